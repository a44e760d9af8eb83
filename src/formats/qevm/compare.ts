/**
 * Compares two states, section by section.
 *
 * A section of one state is compared with the section of the other state that has the same name and instance. If
 * several sections have the same name and instance, they are compared in their order. Ids, footers and descriptions are
 * not compared, because they make no difference when QEMU loads a state. Differences are reported by field if one of
 * the two states has a description that matches both sections, and otherwise by byte offset.
 */

import { printable } from '../../base/errors/index.js';
import { hex64, xxh64 } from '../protocol/xxh64.js';
import { DescriptionMismatch } from './body-cursor.js';
import { type Change, changedBytes, changedFields } from './changes.js';
import type { DeviceDescription } from './description.js';
import { readFields, type Struct } from './fields.js';
import type { QevmSection, QevmState } from './state.js';

/** A section that differs between two states. */
export interface SectionDifference {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly name: string;
  readonly instance: number;
  /** The section of the first state; undefined if the first state does not have it. */
  readonly before: QevmSection | undefined;
  /** The section of the second state; undefined if the second state does not have it. */
  readonly after: QevmSection | undefined;
  /** Whether the changes are reported by field. */
  readonly described: boolean;
  readonly changes: readonly Change[];
  /** Number of further changes, which are ignored because they are changes of clocks. */
  readonly ignored: number;
  /**
   * Whether the device has clocks at unknown offsets, because there is no description: a change may be one of a clock.
   */
  readonly clocksUnknown: boolean;
}

/** A difference outside the devices. */
export interface OtherDifference {
  readonly what: 'kind' | 'machine type' | 'capabilities' | 'blocks of RAM' | 'pages of RAM';
  readonly before: string;
  readonly after: string;
}

/** The result of {@link compareStates}. */
export interface StateComparison {
  readonly others: readonly OtherDifference[];
  /** The sections that differ, in the order of the first state; the added sections follow at the end. */
  readonly sections: readonly SectionDifference[];
  /** The sections in which only clocks differ, which are ignored. */
  readonly onlyClocks: readonly SectionDifference[];
  /** Number of sections without any difference. */
  readonly same: number;
}

/** Options of {@link compareStates}. */
export interface CompareOptions {
  /** Ignore fields that differ because time has passed (clock-fields.ts). */
  readonly ignoreClock: boolean;
}

/**
 * Compares two states.
 *
 * @throws StubferryError LIMIT_EXCEEDED: when a device has too many fields
 */
export function compareStates(before: QevmState, after: QevmState, options: CompareOptions): StateComparison {
  const [devicesBefore, devicesAfter] = [devicesOf(before), devicesOf(after)];
  const sections: SectionDifference[] = [];
  const onlyClocks: SectionDifference[] = [];
  let same = 0;
  for (const [key, one] of devicesBefore) {
    const other = devicesAfter.get(key);
    if (other === undefined) sections.push(unpaired('removed', one.section));
    else if (isSame(one, other)) same += 1;
    else {
      const difference = compareDevices(one, other, options);
      const isChanged = difference.changes.length > 0 || one.section.version !== other.section.version;
      (isChanged ? sections : onlyClocks).push(difference);
    }
  }
  for (const [key, { section }] of devicesAfter) {
    if (!devicesBefore.has(key)) sections.push(unpaired('added', section));
  }
  return { others: otherDifferences(before, after), sections, onlyClocks, same };
}

/**
 * Compares everything but the devices. QEMU sends pages of RAM in any order and more than once, and the reader does not
 * keep them. So pages that were sent in a different way are reported as different.
 */
function otherDifferences(before: QevmState, after: QevmState): OtherDifference[] {
  const pages = ({ sections }: QevmState): string => {
    const digests = sections.flatMap(({ name, type, xxh64: digest }) =>
      name === 'ram' && type !== 'full' ? [digest] : [],
    );
    if (digests.length === 0) return 'none';
    return `${digests.length} sections, xxh64 of their digests ${hex64(xxh64(Buffer.from(digests.join()), 0n))}`;
  };
  const blocks = ({ ram }: QevmState): string =>
    (ram?.blocks ?? []).map(({ name, bytes }) => `${name} ${bytes}`).join(', ');
  const properties = [
    ['kind', ({ kind }) => kind],
    ['machine type', ({ machineType }) => machineType],
    ['capabilities', ({ configuration }) => (configuration?.capabilities ?? []).join(', ')],
    ['blocks of RAM', blocks],
    ['pages of RAM', pages],
  ] as const satisfies readonly (readonly [OtherDifference['what'], (state: QevmState) => string])[];
  return properties.flatMap(([what, textOf]) => {
    const [one, other] = [textOf(before), textOf(after)];
    return one === other ? [] : [{ what, before: printable(one), after: printable(other) }];
  });
}

interface Device {
  readonly section: QevmSection;
  readonly body: Uint8Array;
  readonly description: DeviceDescription | undefined;
}

/** Returns the devices by their instance and name, and by a number for several devices with the same ones. */
function devicesOf(state: QevmState): Map<string, Device> {
  const devices = new Map<string, Device>();
  const counts = new Map<string, number>();
  const descriptions = state.split === 'description' ? state.description?.devices.values() : undefined;
  for (const section of state.sections) {
    const body = state.bodyOf(section);
    if (body === undefined) continue;
    const description: DeviceDescription | undefined = descriptions?.next().value;
    const key = `${section.instance} ${section.name}`;
    const number = counts.get(key) ?? 0;
    counts.set(key, number + 1);
    devices.set(`${number} ${key}`, { section, body, description });
  }
  return devices;
}

function isSame(one: Device, other: Device): boolean {
  return one.section.version === other.section.version && Buffer.compare(one.body, other.body) === 0;
}

function unpaired(kind: 'added' | 'removed', section: QevmSection): SectionDifference {
  const { name, instance } = section;
  const before = kind === 'removed' ? section : undefined;
  const after = kind === 'added' ? section : undefined;
  return { kind, name, instance, before, after, described: false, changes: [], ignored: 0, clocksUnknown: false };
}

function compareDevices(one: Device, other: Device, { ignoreClock }: CompareOptions): SectionDifference {
  const { name, instance, version } = one.section;
  const [fields, otherFields] = fieldsOf(one, other);
  const described = fields !== undefined && otherFields !== undefined;
  const found = described
    ? changedFields(name, fields, otherFields, ignoreClock)
    : changedBytes(name, version, one.body, other.body, ignoreClock);
  const [before, after] = [one.section, other.section];
  return { kind: 'changed', name, instance, before, after, described, ...found };
}

/** Reads the fields of both: each by its own description, or both by the only one, if it matches both. */
function fieldsOf(one: Device, other: Device): readonly [Struct | undefined, Struct | undefined] {
  const sameVersion = one.section.version === other.section.version;
  const shared = sameVersion ? (one.description ?? other.description) : undefined;
  return [fieldsBy(one, one.description ?? shared), fieldsBy(other, other.description ?? shared)];
}

/** Returns undefined if the body does not match the description. */
function fieldsBy({ body }: Device, description: DeviceDescription | undefined): Struct | undefined {
  if (description === undefined) return undefined;
  try {
    return readFields(body, description);
  } catch (error) {
    if (error instanceof DescriptionMismatch) return undefined;
    throw error;
  }
}
