/**
 * Compares two states, section by section.
 *
 * Sections belong together that have the same name and instance (and, of several such, the same place among them). Their
 * ids, footers and descriptions are not compared: where a state is loaded they make no difference. Where one of the two
 * states has a description that fits both, what differs is told by fields; else by the offsets of bytes.
 */

import { printable } from '../../base/errors/index.js';
import { hex64, xxh64 } from '../protocol/xxh64.js';
import { Misfit } from './body-cursor.js';
import { type Change, changedBytes, changedFields } from './changes.js';
import type { DeviceDescription } from './description.js';
import { readFields, type Struct } from './fields.js';
import type { QevmSection, QevmState } from './state.js';

export interface SectionDifference {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly name: string;
  readonly instance: number;
  /** Undefined where it is not there. */
  readonly before: QevmSection | undefined;
  readonly after: QevmSection | undefined;
  /** Whether changes are told by fields. */
  readonly described: boolean;
  readonly changes: readonly Change[];
  /** How many changes there are besides, which are of clocks. */
  readonly ignored: number;
  /** It has clocks, but without a description it is not known where: a change may be of one. */
  readonly clocksUnknown: boolean;
}

/** What differs besides the devices. */
export interface OtherDifference {
  readonly what: 'kind' | 'machine type' | 'capabilities' | 'blocks of RAM' | 'pages of RAM';
  readonly before: string;
  readonly after: string;
}

export interface StateComparison {
  readonly others: readonly OtherDifference[];
  /** In the order of the first state, those that were added last. */
  readonly sections: readonly SectionDifference[];
  /** Sections in which nothing differs but clocks that were ignored. */
  readonly onlyClocks: readonly SectionDifference[];
  /** Sections without any difference. */
  readonly same: number;
}

export interface CompareOptions {
  readonly ignoreClock: boolean;
}

/** @throws StubferryError LIMIT_EXCEEDED for a device of too many fields */
export function compareStates(before: QevmState, after: QevmState, options: CompareOptions): StateComparison {
  const [here, there] = [devicesOf(before), devicesOf(after)];
  const sections: SectionDifference[] = [];
  const onlyClocks: SectionDifference[] = [];
  let same = 0;
  for (const [key, one] of here) {
    const other = there.get(key);
    if (other === undefined) sections.push(lone('removed', one.section));
    else if (isSame(one, other)) same += 1;
    else {
      const difference = compareDevices(one, other, options);
      const isChanged = difference.changes.length > 0 || one.section.version !== other.section.version;
      (isChanged ? sections : onlyClocks).push(difference);
    }
  }
  for (const [key, { section }] of there) if (!here.has(key)) sections.push(lone('added', section));
  return { others: otherDifferences(before, after), sections, onlyClocks, same };
}

/**
 * Pages come in any order and more than once, and are not kept: where they were not sent in just the same way, they are
 * said to differ.
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
  const told = [
    ['kind', ({ kind }) => kind],
    ['machine type', ({ machineType }) => machineType],
    ['capabilities', ({ configuration }) => (configuration?.capabilities ?? []).join(', ')],
    ['blocks of RAM', blocks],
    ['pages of RAM', pages],
  ] as const satisfies readonly (readonly [OtherDifference['what'], (state: QevmState) => string])[];
  return told.flatMap(([what, tell]) => {
    const [one, other] = [tell(before), tell(after)];
    return one === other ? [] : [{ what, before: printable(one), after: printable(other) }];
  });
}

interface Device {
  readonly section: QevmSection;
  readonly body: Uint8Array;
  readonly description: DeviceDescription | undefined;
}

/** By name, instance and, of several such, number. */
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

function lone(kind: 'added' | 'removed', section: QevmSection): SectionDifference {
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

/** By their own descriptions, or both by the one that there is, if it fits. */
function fieldsOf(one: Device, other: Device): readonly [Struct | undefined, Struct | undefined] {
  const sameVersion = one.section.version === other.section.version;
  const borrowed = sameVersion ? (one.description ?? other.description) : undefined;
  return [fitting(one, one.description ?? borrowed), fitting(other, other.description ?? borrowed)];
}

function fitting({ body }: Device, description: DeviceDescription | undefined): Struct | undefined {
  if (description === undefined) return undefined;
  try {
    return readFields(body, description);
  } catch (error) {
    if (error instanceof Misfit) return undefined;
    throw error;
  }
}
