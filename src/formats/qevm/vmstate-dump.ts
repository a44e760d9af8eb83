/**
 * The dump of vmstate, which describes what a QEMU can load. It is the JSON that
 * `qemu-system-x86_64 -M MACHINE -dump-vmstate FILE` writes (`dump_vmstate_json_to_file` in QEMU's migration/savevm.c).
 *
 *     { "vmschkmachine": { "Name": "pc-i440fx-7.2" },
 *       "e1000": { "Name": "e1000", "version_id": 2, "minimum_version_id": 1,
 *                  "Description": { "name": "e1000", "version_id", "minimum_version_id",
 *                                   "Fields": [ { "field", "version_id", "field_exists", "size", "Description" } ... ],
 *                                   "Subsections": [ { "name", ... } ... ] } } ... }
 *
 * The dump lists the device types that the program knows, for any machine (measured: the dumps of two machine types of
 * QEMU 7.2 differ only in the name of the machine). So it says which versions QEMU loads, but not which devices a
 * machine has. It does not list the sections that QEMU saves without a device type: see {@link WITHOUT_DEVICE}.
 */
import { StubferryError } from '../../base/errors/index.js';
import { beyondJsonLimits } from './json-extent.js';
import { QEVM_LIMITS } from './limits.js';
import { TypedJson } from './typed-json.js';

/** The versions that QEMU loads: from `minimum` to `version`. */
export interface Versions {
  readonly version: number;
  readonly minimum: number;
}

/** A device type in a dump. */
export interface DumpedDevice extends Versions {
  /** The name of the device type, as `-device` takes it. */
  readonly type: string;
}

/** What a dump contains. */
export interface VmstateDump {
  /** The machine type. */
  readonly machine: string;
  /** The device types by the name of their section; several device types may have the same one (`ne2000`). */
  readonly devices: ReadonlyMap<string, readonly DumpedDevice[]>;
  /** For each struct or device, the subsections that QEMU loads. */
  readonly subsections: ReadonlyMap<string, ReadonlyMap<string, Versions>>;
}

/**
 * The names of the sections that QEMU registers without a device type. A dump never lists them. (QEMU 7.2 registers
 * them by `vmstate_register` and `register_savevm_live`, with a name of their own.)
 */
export const WITHOUT_DEVICE: ReadonlySet<string> = new Set([
  ...['timer', 'slirp', 'cpu_common', 'cpu', 'apic', 'PCIBUS', 'i2c_bus', 'ide', 'isa-ide', 'eeprom', 'acpi_build'],
  ...['virt_acpi_build', 'globalstate', 'ram', 'block', 'dirty-bitmap', 'replay', 'audio', 'tpm-ppi'],
]);

const JSON_OF = new TypedJson('NOT_A_DESTINATION', 'the dump of vmstate');
const MACHINE = 'vmschkmachine';

/** Whether `text` begins like a dump. */
export function looksLikeDump(text: Uint8Array): boolean {
  return /^\s*\{\s*"vmschkmachine"/.test(Buffer.from(text.subarray(0, 256)).toString('latin1'));
}

/**
 * Reads a dump.
 *
 * @param where the name of the source, for messages
 * @throws StubferryError NOT_A_DESTINATION: when the text is not JSON or not a dump; LIMIT_EXCEEDED: when it is too
 * large
 */
export function readVmstateDump(text: Uint8Array, where: string): VmstateDump {
  const beyond = beyondJsonLimits(text, QEVM_LIMITS.dump);
  if (beyond !== undefined) {
    const [expected, found] = beyond;
    throw new StubferryError('LIMIT_EXCEEDED', 'the dump of vmstate is too large', { where, expected, found });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text).toString('utf8'));
  } catch (cause) {
    throw new StubferryError('NOT_A_DESTINATION', 'the dump of vmstate is not JSON', { where, cause });
  }
  const root = JSON_OF.object(parsed, 'its root');
  const devices = new Map<string, DumpedDevice[]>();
  const subsections = new Map<string, Map<string, Versions>>();
  for (const [type, value] of Object.entries(root)) {
    if (type === MACHINE) continue;
    const device = JSON_OF.object(value, type);
    const { name, ...versions } = addStruct(device['Description'], `${type}.Description`, subsections);
    const others = devices.get(name);
    if (others === undefined) devices.set(name, [{ type, ...versions }]);
    else others.push({ type, ...versions });
  }
  const machine = JSON_OF.object(root[MACHINE], MACHINE);
  return { machine: JSON_OF.text(machine['Name'], `${MACHINE}.Name`), devices, subsections };
}

/** Adds the subsections of a struct, and of all structs in it, to `known`. */
function addStruct(
  value: unknown,
  path: string,
  known: Map<string, Map<string, Versions>>,
): Versions & { readonly name: string } {
  const struct = JSON_OF.object(value, path);
  const name = JSON_OF.text(struct['name'], `${path}.name`);
  const versions = {
    version: JSON_OF.count(struct['version_id'], `${path}.version_id`),
    minimum: JSON_OF.count(struct['minimum_version_id'], `${path}.minimum_version_id`),
  };
  const own = known.get(name) ?? new Map<string, Versions>();
  known.set(name, own);
  for (const [index, subsection] of JSON_OF.list(struct['Subsections'] ?? [], `${path}.Subsections`).entries()) {
    const { name: inner, ...innerVersions } = addStruct(subsection, `${path}.Subsections[${index}]`, known);
    own.set(inner, innerVersions);
  }
  for (const [index, field] of JSON_OF.list(struct['Fields'] ?? [], `${path}.Fields`).entries()) {
    const { Description: inner } = JSON_OF.object(field, `${path}.Fields[${index}]`);
    if (inner !== undefined) addStruct(inner, `${path}.Fields[${index}].Description`, known);
  }
  return { name, ...versions };
}
