/** Where a vbd is in xenstore. */

export interface Vbd {
  /** Domid of the frontend. */
  readonly stubdom: number;
  /** The virtual device. */
  readonly number: number;
}

export function frontendPath({ stubdom, number }: Vbd): string {
  return `${frontendsOf(stubdom)}/${number}`;
}

export function backendPath({ stubdom, number }: Vbd): string {
  return `${backendsOf(stubdom)}/${number}`;
}

/** Where libxl notes what it has made. */
export function libxlPath({ stubdom, number }: Vbd): string {
  return `${libxlVbdsOf(stubdom)}/${number}`;
}

/** All that dom0 serves, by domid. */
export const BACKENDS = '/local/domain/0/backend/vbd';

export function backendsOf(stubdom: number): string {
  return `${BACKENDS}/${stubdom}`;
}

export function frontendsOf(stubdom: number): string {
  return `/local/domain/${stubdom}/device/vbd`;
}

export function libxlVbdsOf(stubdom: number): string {
  return `/libxl/${stubdom}/device/vbd`;
}
