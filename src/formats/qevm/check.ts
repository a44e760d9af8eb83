/**
 * Checks whether a destination would load a state: compares the state with what is known of the QEMU that must load it.
 *
 *     dump      output of `-dump-vmstate`: the device types that the QEMU program knows, with their versions
 *     sections  the sections of a state that the destination saved: the devices of its machine, with their addresses
 *
 * (The rules are those of `qemu_loadvm_section_start_full` in QEMU's migration/savevm.c and of `vmstate_load_state` in
 * migration/vmstate.c.)
 */
import { printable } from '../../base/errors/index.js';
import type { DeviceDescription, StructDescription } from './description.js';
import { baseName } from './section-header.js';
import type { QevmSection, QevmState } from './state.js';
import { type DumpedDevice, type VmstateDump, WITHOUT_DEVICE } from './vmstate-dump.js';

/** What is known of the QEMU that must load a state. */
export interface Destination {
  /** The name of the destination, for messages. */
  readonly name: string;
  /** The machine type; undefined if it is not known. */
  readonly machine: string | undefined;
  readonly dump: VmstateDump | undefined;
  readonly sections: readonly Pick<QevmSection, 'name' | 'instance' | 'version'>[] | undefined;
  /**
   * The device types that can be added to the machine, if `sections` are those of the bare machine; undefined if
   * `sections` are those of the complete destination.
   */
  readonly addable: ReadonlySet<string> | undefined;
}

/**
 * The verdict of a finding.
 *
 * - `refused`: QEMU refuses to load the state.
 * - `lost`: QEMU loads the state, but a device of the destination gets no state.
 * - `needed`: the destination must be started with an additional device.
 * - `unknown`: it is not known whether the destination has the section.
 */
export type Outcome = 'refused' | 'lost' | 'needed' | 'unknown';

/** A problem that the check found. */
export interface Finding {
  readonly verdict: Outcome;
  /** The section, as `NAME` or `NAME:INSTANCE`; or `machine type`. */
  readonly subject: string;
  readonly problem: string;
  /** What QEMU does with the state, or what the user must do. */
  readonly consequence: string;
}

/** The result of {@link checkAgainst}. */
export interface CheckResult {
  /** False if a finding is `refused` or `lost`. */
  readonly loads: boolean;
  readonly findings: readonly Finding[];
  /** Number of sections without a finding. */
  readonly fitting: number;
}

/** Checks whether the destination would load the state. */
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

/** QEMU compares only as many characters as the machine type in the state has. */
function machineFindings({ machineType }: QevmState, { machine }: Destination): Finding[] {
  if (machineType === '' || machine === undefined || machine.startsWith(machineType)) return [];
  const problem = `the state is from ${machineType}, the destination is ${printable(machine)}`;
  const consequence = `${REFUSES}: Machine type received is '${machineType}' and local is '${printable(machine)}'`;
  return [{ verdict: 'refused', subject: 'machine type', problem, consequence }];
}

function sectionFindings(section: QevmSection, destination: Destination): Finding[] {
  const { sections, dump } = destination;
  const { version } = section;
  if (MOVED_WITH_RAM.has(section.name)) return [];
  const counterparts = sections?.filter((other) => isFor(section, other)) ?? [];
  const subject = labelOf(section);
  if (sections !== undefined && counterparts.length === 0) return [missingDevice(section, destination)];
  const types = dump === undefined ? undefined : deviceTypesOf(section.name, dump);
  const newest = Math.max(-1, ...counterparts.map((other) => other.version));
  if (newest >= 0 && version > newest) return [tooNew(section, newest)];
  if (types === undefined || types.length === 0) {
    return counterparts.length > 0 ? [] : unlisted(section, destination);
  }
  if (types.some(({ version: newest, minimum }) => version >= minimum && version <= newest)) return [];
  const [first] = types;
  if (newest < 0 && first !== undefined && version > first.version) return [tooNew(section, first.version)];
  if (first === undefined || version >= first.minimum) return [];
  const problem = `version ${version} is older than the oldest version that QEMU loads, ${first.minimum}`;
  const consequence = `${REFUSES}: incoming version_id ${version} is too old`;
  return [{ verdict: 'refused', subject, problem, consequence }];
}

/** The sections that only a whole migration contains. The devices of a destination say nothing about them. */
const MOVED_WITH_RAM = new Set(['ram', 'block', 'dirty-bitmap']);

/** Compares name and instance. A state of an old QEMU may contain the name without the path. */
function isFor(section: QevmSection, other: Pick<QevmSection, 'name' | 'instance'>): boolean {
  if (section.name === other.name) return section.instance === other.instance;
  return !section.name.includes('/') && baseName(other.name) === section.name;
}

function tooNew(section: QevmSection, newest: number): Finding {
  const problem = `version ${section.version}, newer than the destination's ${newest}`;
  const consequence = `${REFUSES}: unsupported version ${section.version} for '${printable(section.name)}' v${newest}`;
  return { verdict: 'refused', subject: labelOf(section), problem, consequence };
}

/** Sections that exist because of an option that does not add a device. */
const BY_OPTION = new Map([['slirp', '-netdev user']]);

/** Makes the finding for a section that the destination's machine does not have. */
function missingDevice(section: QevmSection, { sections = [], dump, addable }: Destination): Finding {
  const subject = labelOf(section);
  const types = dump === undefined ? [] : (deviceTypesOf(section.name, dump) ?? []);
  const elsewhere = sections.find(({ name }) => baseName(name) === baseName(section.name));
  const choice = addable === undefined ? [] : types.filter(({ type }) => addable.has(type));
  const option = choice.map(({ type }) => `-device ${printable(type)}`).join(' or ') || BY_OPTION.get(section.name);
  if (addable !== undefined && option !== undefined) {
    const problem = 'the bare machine has no such device, but one can be added';
    const consequence = `start the destination with ${option} at the same address, or QEMU refuses the state`;
    return { verdict: 'needed', subject, problem, consequence };
  }
  const location = elsewhere === undefined ? '' : `; it has ${labelOf(elsewhere)}`;
  const problem = `the destination has no such device${location}`;
  const consequence = `${REFUSES}: Unknown savevm section or instance '${printable(section.name)}' ${section.instance}`;
  return { verdict: 'refused', subject, problem, consequence };
}

function unlisted(section: QevmSection, { dump }: Destination): Finding[] {
  const base = baseName(section.name);
  if (dump === undefined || WITHOUT_DEVICE.has(base)) return [];
  const subject = labelOf(section);
  if (section.name !== base) {
    const problem = 'no device type of the destination saves a section of this name';
    const consequence = `${REFUSES}: Unknown savevm section or instance '${printable(section.name)}' ${section.instance}`;
    return [{ verdict: 'refused', subject, problem, consequence }];
  }
  const problem = 'the dump does not list this section, but no dump lists every section';
  const consequence = 'if the destination has no such section, QEMU refuses the state';
  return [{ verdict: 'unknown', subject, problem, consequence }];
}

/** The name of a section ends in the name of a device type's state, which may contain slashes as well. */
function deviceTypesOf(name: string, { devices }: VmstateDump): readonly DumpedDevice[] | undefined {
  for (let rest = name; ; rest = rest.slice(rest.indexOf('/') + 1)) {
    const found = devices.get(rest);
    if (found !== undefined || !rest.includes('/')) return found;
  }
}

/** The subsections of a state are known only if it has a description. */
function subsectionFindings({ description, split }: QevmState, { dump }: Destination): Finding[] {
  if (description === undefined || split !== 'description' || dump === undefined) return [];
  return description.devices.flatMap((device) => unknownSubsections(device, device, dump));
}

function unknownSubsections(device: DeviceDescription, struct: StructDescription, dump: VmstateDump): Finding[] {
  const known = dump.subsections.get(struct.vmsdName);
  const own = struct.subsections.flatMap(({ vmsdName, version }): Finding[] => {
    const subject = `${labelOf(device)}, ${printable(vmsdName)}`;
    const loaded = known?.get(vmsdName);
    if (known === undefined || (loaded !== undefined && version >= loaded.minimum && version <= loaded.version))
      return [];
    const problem =
      loaded === undefined
        ? 'the destination does not know this subsection'
        : `QEMU loads versions ${loaded.minimum} to ${loaded.version} of this subsection, not version ${version}`;
    return [{ verdict: 'refused', subject, problem, consequence: `${REFUSES} at this device` }];
  });
  const structs = struct.fields.flatMap(({ struct: inner }) => inner ?? []);
  return [...own, ...[...struct.subsections, ...structs].flatMap((inner) => unknownSubsections(device, inner, dump))];
}

/**
 * The sections whose absence does not harm a guest. `globalstate` says whether the guest ran, `slirp` contains the
 * connections of QEMU's user network, and `kvm-tpr-opt` supports old Windows versions: a guest whose state lacks it has
 * never used it.
 */
const NOT_MISSED = new Set([...MOVED_WITH_RAM, 'globalstate', 'slirp', 'kvm-tpr-opt']);

function lostFindings(devices: readonly QevmSection[], { sections }: Destination): Finding[] {
  const missing = (sections ?? []).filter((other) => !devices.some((section) => isFor(section, other)));
  return missing.flatMap((other): Finding[] => {
    if (NOT_MISSED.has(baseName(other.name))) return [];
    const problem = 'the state has no section for this device of the destination';
    const consequence = 'QEMU loads the state, but this device is as after a reset, which the guest does not expect';
    return [{ verdict: 'lost', subject: labelOf(other), problem, consequence }];
  });
}

function labelOf({ name, instance }: { readonly name: string; readonly instance: number }): string {
  return `${printable(name)}${instance === 0 ? '' : `:${instance}`}`;
}
