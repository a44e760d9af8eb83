/**
 * A device state as a list of fields, and the comparison of two states.
 *
 * Every byte of a state belongs to a field or is determined by the description. Therefore two states of the same
 * machine are equal when no field differs.
 */

/** A field of a state. */
export interface Field {
  /** The name of the device in the state, such as `0000:00:02.0/e1000`. */
  readonly section: string;
  readonly instance: number;
  /** The path of the field within the device, such as `channels[0]/count`. */
  readonly path: string;
  readonly type: string;
  readonly offset: number;
  readonly length: number;
}

export interface DescribedState {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

/** The largest number, in bytes. A longer field is compared byte by byte. */
const LARGEST_NUMBER = 8;

/** The name of a field in reports and in the list of clocks: `i8254/channels[0]/count`, `dma@1/command`. */
export function nameOf({ section, instance, path }: Field): string {
  return `${section}${instance === 0 ? '' : `@${instance}`}/${path}`;
}

/**
 * The names of all fields that differ or exist in only one state. Opaque fields such as `mc146818rtc/cmos_data` are
 * compared byte by byte: `mc146818rtc/cmos_data+0x0c`.
 */
export function differences(one: DescribedState, other: DescribedState): string[] {
  const [values, otherValues] = [valuesOf(one), valuesOf(other)];
  const names = new Set([...values.keys(), ...otherValues.keys()]);
  return [...names].flatMap((name) => {
    const [a, b] = [values.get(name), otherValues.get(name)];
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
