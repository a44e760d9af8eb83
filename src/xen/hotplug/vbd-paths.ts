/** The paths of a vbd in xenstore. */

/** The address of a vbd. */
export interface Vbd {
  /** Domain id of the frontend. */
  readonly stubdom: number;
  /** Number of the virtual device. */
  readonly number: number;
}

/** Directory of the frontend. */
export function frontendPath({ stubdom, number }: Vbd): string {
  return `${frontendsOf(stubdom)}/${number}`;
}

/** Directory of the backend. */
export function backendPath({ stubdom, number }: Vbd): string {
  return `${backendsOf(stubdom)}/${number}`;
}

/** Where libxl records a vbd that it has created. */
export function libxlPath({ stubdom, number }: Vbd): string {
  return `${libxlVbdsOf(stubdom)}/${number}`;
}

/** All vbds that dom0 serves, by domain id. */
export const BACKENDS = '/local/domain/0/backend/vbd';

/** The backends of all vbds of a domain. */
export function backendsOf(stubdom: number): string {
  return `${BACKENDS}/${stubdom}`;
}

/** The frontends of all vbds of a domain. */
export function frontendsOf(stubdom: number): string {
  return `/local/domain/${stubdom}/device/vbd`;
}

/** libxl's records of all vbds of a domain. */
export function libxlVbdsOf(stubdom: number): string {
  return `/libxl/${stubdom}/device/vbd`;
}
