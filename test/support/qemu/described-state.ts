/**
 * A device state as its fields, and the comparison of two of them.
 *
 * Every byte of a state is in a field, or is what the description says must be there: so two states of the same machine
 * that have no differing field are equal.
 */

export interface Field {
  /** The device's name in the state, such as `0000:00:02.0/e1000`. */
  readonly section: string;
  readonly instance: number;
  /** The field within it, such as `channels[0]/count`. */
  readonly path: string;
  readonly type: string;
  readonly offset: number;
  readonly length: number;
}

export interface DescribedState {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

/** A field of more bytes than this is no number. */
const LARGEST_NUMBER = 8;

/** How a field is called in reports and in the list of clocks: `i8254/channels[0]/count`, `dma@1/command`. */
export function nameOf({ section, instance, path }: Field): string {
  return `${section}${instance === 0 ? '' : `@${instance}`}/${path}`;
}

/**
 * The names of all fields that are not the same in both, or are in only one of them. What QEMU gives no shape to,
 * such as `mc146818rtc/cmos_data`, is told byte by byte: `mc146818rtc/cmos_data+0x0c`.
 */
export function differences(one: DescribedState, other: DescribedState): string[] {
  const [here, there] = [valuesOf(one), valuesOf(other)];
  const names = new Set([...here.keys(), ...there.keys()]);
  return [...names].flatMap((name) => {
    const [a, b] = [here.get(name), there.get(name)];
    if (a === undefined || b === undefined || a.length !== b.length) return [name];
    if (a.equals(b)) return [];
    return a.length <= LARGEST_NUMBER ? [name] : differentBytes(a, b).map((at) => `${name}+0x${hex(at)}`);
  });
}

/** The value of each field. */
export function valuesOf({ bytes, fields }: DescribedState): Map<string, Buffer> {
  return new Map(fields.map((field) => [nameOf(field), bytes.subarray(field.offset, field.offset + field.length)]));
}

function differentBytes(a: Buffer, b: Buffer): number[] {
  return [...a.keys()].filter((at) => a[at] !== b[at]);
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
