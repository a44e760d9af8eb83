/**
 * Will a state load there? Compares it with what is known of the QEMU that is to load it.
 *
 *     dump      `-dump-vmstate`: kinds of devices with their versions, whatever the machine
 *     sections  what the destination saves itself: its devices, each at its place
 *
 * (`qemu_loadvm_section_start_full` in QEMU's migration/savevm.c, `vmstate_load_state` in migration/vmstate.c.)
 */
import { printable } from '../../base/errors/index.js';
import type { DeviceDescription, StructDescription } from './description.js';
import { baseName } from './section-header.js';
import type { QevmSection, QevmState } from './state.js';
import { type DumpedDevice, type VmstateDump, WITHOUT_DEVICE } from './vmstate-dump.js';

export interface Destination {
  /** For messages. */
  readonly name: string;
  readonly machine: string | undefined;
  readonly dump: VmstateDump | undefined;
  readonly sections: readonly Pick<QevmSection, 'name' | 'instance' | 'version'>[] | undefined;
  /**
   * Kinds of devices that can be added to the machine, where `sections` are those of the bare machine; undefined where they
   * are those of the whole destination.
   */
  readonly addable: ReadonlySet<string> | undefined;
}

/**
 * `refused`: QEMU will not load the state. `lost`: it will, without the state of a device. `needed`: the destination has to
 * be started with a device. `unknown`: nothing is known of it there.
 */
export type Outcome = 'refused' | 'lost' | 'needed' | 'unknown';

export interface Finding {
  readonly verdict: Outcome;
  /** The section, `NAME` or `NAME:INSTANCE`; `machine type`. */
  readonly subject: string;
  readonly problem: string;
  /** What will happen. */
  readonly consequence: string;
}

export interface CheckResult {
  readonly loads: boolean;
  readonly findings: readonly Finding[];
  /** Sections of which nothing is wrong. */
  readonly fitting: number;
}

export function checkAgainst(state: QevmState, destination: Destination): CheckResult {
  const devices = state.sections.filter(({ type }) => type === 'full' || type === 'start');
  const perSection = devices.map((section) => sectionFindings(section, destination));
  const findings = [
    ...machineFindings(state, destination),
    ...perSection.flat(),
    ...subsectionFindings(state, destination),
    ...lostFindings(devices, destination),
  ];
  const loads = findings.every(({ verdict }) => verdict !== 'refused' && verdict !== 'lost');
  return { loads, findings, fitting: perSection.filter((found) => found.length === 0).length };
}

const REFUSES = 'QEMU refuses the state';

/** QEMU compares as many characters as the state has. */
function machineFindings({ machineType }: QevmState, { machine }: Destination): Finding[] {
  if (machineType === '' || machine === undefined || machine.startsWith(machineType)) return [];
  const problem = `the state is of ${machineType}, the destination is ${printable(machine)}`;
  const consequence = `${REFUSES}: Machine type received is '${machineType}' and local is '${printable(machine)}'`;
  return [{ verdict: 'refused', subject: 'machine type', problem, consequence }];
}

function sectionFindings(section: QevmSection, destination: Destination): Finding[] {
  const { sections, dump } = destination;
  const { version } = section;
  if (MOVED_WITH_RAM.has(section.name)) return [];
  const there = sections?.filter((other) => isFor(section, other)) ?? [];
  const subject = titled(section);
  if (sections !== undefined && there.length === 0) return [absent(section, destination)];
  const device = dump === undefined ? undefined : kindsOf(section.name, dump);
  const newest = Math.max(-1, ...there.map((other) => other.version));
  if (newest >= 0 && version > newest) return [tooNew(section, newest)];
  if (device === undefined || device.length === 0) return there.length > 0 ? [] : unlisted(section, destination);
  if (device.some(({ version: newest, minimum }) => version >= minimum && version <= newest)) return [];
  const [first] = device;
  if (newest < 0 && first !== undefined && version > first.version) return [tooNew(section, first.version)];
  if (first === undefined || version >= first.minimum) return [];
  const problem = `version ${version}, older than the oldest that is loaded: ${first.minimum}`;
  const consequence = `${REFUSES}: incoming version_id ${version} is too old`;
  return [{ verdict: 'refused', subject, problem, consequence }];
}

/** What only a whole migration has: nothing is known of it from the devices of a destination. */
const MOVED_WITH_RAM = new Set(['ram', 'block', 'dirty-bitmap']);

/** By name and instance; a state of an old QEMU may leave the path out. */
function isFor(section: QevmSection, other: Pick<QevmSection, 'name' | 'instance'>): boolean {
  if (section.name === other.name) return section.instance === other.instance;
  return !section.name.includes('/') && baseName(other.name) === section.name;
}

function tooNew(section: QevmSection, newest: number): Finding {
  const problem = `version ${section.version}, newer than the destination's ${newest}`;
  const consequence = `${REFUSES}: unsupported version ${section.version} for '${printable(section.name)}' v${newest}`;
  return { verdict: 'refused', subject: titled(section), problem, consequence };
}

/** Sections that are there because of something else than a device. */
const BY_OPTION = new Map([['slirp', '-netdev user']]);

/** The destination's machine has no such section. */
function absent(section: QevmSection, { sections = [], dump, addable }: Destination): Finding {
  const subject = titled(section);
  const kinds = dump === undefined ? [] : (kindsOf(section.name, dump) ?? []);
  const elsewhere = sections.find(({ name }) => baseName(name) === baseName(section.name));
  const choice = addable === undefined ? [] : kinds.filter(({ type }) => addable.has(type));
  const option = choice.map(({ type }) => `-device ${printable(type)}`).join(' or ') || BY_OPTION.get(section.name);
  if (addable !== undefined && option !== undefined) {
    const problem = 'the bare machine has no such device, but it can be given one';
    const consequence = `start the destination with ${option}, at the same place, or QEMU refuses the state`;
    return { verdict: 'needed', subject, problem, consequence };
  }
  const location = elsewhere === undefined ? '' : `; there is ${titled(elsewhere)}`;
  const problem = `the destination has no such device${location}`;
  const consequence = `${REFUSES}: Unknown savevm section or instance '${printable(section.name)}' ${section.instance}`;
  return { verdict: 'refused', subject, problem, consequence };
}

function unlisted(section: QevmSection, { dump }: Destination): Finding[] {
  const base = baseName(section.name);
  if (dump === undefined || WITHOUT_DEVICE.has(base)) return [];
  const subject = titled(section);
  if (section.name !== base) {
    const problem = 'no kind of device at the destination has a state of that name';
    const consequence = `${REFUSES}: Unknown savevm section or instance '${printable(section.name)}' ${section.instance}`;
    return [{ verdict: 'refused', subject, problem, consequence }];
  }
  const problem = 'not in the dump, which does not list everything';
  return [{ verdict: 'unknown', subject, problem, consequence: 'if the destination has it not, it refuses the state' }];
}

/** The name of a section ends in that of its state, which may itself have slashes in it. */
function kindsOf(name: string, { devices }: VmstateDump): readonly DumpedDevice[] | undefined {
  for (let rest = name; ; rest = rest.slice(rest.indexOf('/') + 1)) {
    const found = devices.get(rest);
    if (found !== undefined || !rest.includes('/')) return found;
  }
}

/** Subsections are known only where the state has a description. */
function subsectionFindings({ description, split }: QevmState, { dump }: Destination): Finding[] {
  if (description === undefined || split !== 'description' || dump === undefined) return [];
  return description.devices.flatMap((device) => unknownSubsections(device, device, dump));
}

function unknownSubsections(device: DeviceDescription, struct: StructDescription, dump: VmstateDump): Finding[] {
  const known = dump.subsections.get(struct.vmsdName);
  const own = struct.subsections.flatMap(({ vmsdName, version }): Finding[] => {
    const subject = `${titled(device)}, ${printable(vmsdName)}`;
    const there = known?.get(vmsdName);
    if (known === undefined || (there !== undefined && version >= there.minimum && version <= there.version)) return [];
    const problem =
      there === undefined
        ? 'a subsection that the destination does not know'
        : `version ${version} of a subsection, of which versions ${there.minimum} to ${there.version} are loaded`;
    return [{ verdict: 'refused', subject, problem, consequence: `${REFUSES} at this device` }];
  });
  const structs = struct.fields.flatMap(({ struct: inner }) => inner ?? []);
  return [...own, ...[...struct.subsections, ...structs].flatMap((inner) => unknownSubsections(device, inner, dump))];
}

/**
 * What costs a guest nothing when it is missing: `globalstate` is whether it ran, `slirp` the connections of QEMU's own
 * network, `kvm-tpr-opt` an aid to old Windows that a guest without it has never used.
 */
const NEVER_MISSED = new Set([...MOVED_WITH_RAM, 'globalstate', 'slirp', 'kvm-tpr-opt']);

function lostFindings(devices: readonly QevmSection[], { sections }: Destination): Finding[] {
  const missing = (sections ?? []).filter((there) => !devices.some((section) => isFor(section, there)));
  return missing.flatMap((there): Finding[] => {
    if (NEVER_MISSED.has(baseName(there.name))) return [];
    const problem = 'the state has nothing for this device of the destination';
    const consequence = 'QEMU loads the state, and the device is as after a reset: the guest does not expect that';
    return [{ verdict: 'lost', subject: titled(there), problem, consequence }];
  });
}

function titled({ name, instance }: { readonly name: string; readonly instance: number }): string {
  return `${printable(name)}${instance === 0 ? '' : `:${instance}`}`;
}
