/**
 * The description: JSON after the end mark, in which QEMU describes the device sections that it has just written
 * (`qemu_savevm_state_complete_precopy_non_iterable` in migration/savevm.c, `vmstate_save_state_v` in
 * migration/vmstate.c).
 *
 *     { page_size, devices: [ { name, instance_id, vmsd_name, version, fields: [...], subsections: [...] } ... ] }
 *
 *     field       { name, type, size }             `size` bytes of that type
 *                 { ..., array_len: n }            n elements of `size` bytes each
 *                 { ..., index: i }                an element of an array whose elements are described one by one
 *                 { ..., struct: { ... } }         a struct with fields and subsections; `size` includes all of them
 *     subsection  { vmsd_name, version, ... }      in the state: 0x05, the name, the version, the fields
 *
 * `migrate` writes the description, and `xen-save-devices-state` does not. No command writes it with
 * `-machine suppress-vmdesc=on`.
 */
import { TypedJson } from './typed-json.js';

const JSON_OF = new TypedJson('CORRUPT', 'the description of the devices');

/** The description of a field. */
export interface FieldDescription {
  readonly name: string;
  /** QEMU's name for the encoding: `uint32`, `timer`, `struct`, `qtailq` ... */
  readonly type: string;
  /** Length of the field, or of one element of an array, in bytes. */
  readonly size: number;
  /** Number of elements, if one description stands for all elements of an array; otherwise undefined. */
  readonly arrayLength: number | undefined;
  /** Index in the array, if the elements are described one by one; otherwise undefined. */
  readonly index: number | undefined;
  /** The description of the struct; undefined if the field is not a struct. */
  readonly struct: StructDescription | undefined;
}

/** The description of a struct, of a subsection or of a device. */
export interface StructDescription {
  /** The name of QEMU's VMStateDescription. */
  readonly vmsdName: string;
  readonly version: number;
  readonly fields: readonly FieldDescription[];
  readonly subsections: readonly StructDescription[];
}

/** The description of a device section. */
export interface DeviceDescription extends StructDescription {
  /** The name of the section. */
  readonly name: string;
  readonly instance: number;
}

/** The description of all device sections of a state. */
export interface Description {
  readonly pageSize: number;
  /** The devices, in the order of their sections. */
  readonly devices: readonly DeviceDescription[];
}

/**
 * Reads the description from parsed JSON.
 *
 * @throws StubferryError CORRUPT: when a value is invalid; the message contains the path of the value
 */
export function descriptionFrom(parsed: unknown): Description {
  const root = JSON_OF.object(parsed, 'description');
  return {
    pageSize: JSON_OF.count(root['page_size'], 'page_size'),
    devices: JSON_OF.list(root['devices'], 'devices').map((device, index) => deviceFrom(device, `devices[${index}]`)),
  };
}

function deviceFrom(value: unknown, path: string): DeviceDescription {
  const device = JSON_OF.object(value, path);
  const name = JSON_OF.text(device['name'], `${path}.name`);
  const instance = JSON_OF.count(device['instance_id'], `${path}.instance_id`);
  return { name, instance, ...structFrom(device, path, name) };
}

/** @param name the default for `vmsd_name`: a device that QEMU saves with its own code has no VMStateDescription */
function structFrom(struct: Record<string, unknown>, path: string, name?: string): StructDescription {
  const { vmsd_name: vmsdName = name, version = 0, fields, subsections = [] } = struct;
  return {
    vmsdName: JSON_OF.text(vmsdName, `${path}.vmsd_name`),
    version: JSON_OF.count(version, `${path}.version`),
    fields: JSON_OF.list(fields, `${path}.fields`).map((field, index) => fieldFrom(field, `${path}.fields[${index}]`)),
    subsections: JSON_OF.list(subsections, `${path}.subsections`).map((subsection, index) => {
      const inner = `${path}.subsections[${index}]`;
      return structFrom(JSON_OF.object(subsection, inner), inner);
    }),
  };
}

function fieldFrom(value: unknown, path: string): FieldDescription {
  const field = JSON_OF.object(value, path);
  const type = JSON_OF.text(field['type'], `${path}.type`);
  return {
    name: JSON_OF.text(field['name'], `${path}.name`),
    type,
    size: JSON_OF.count(field['size'], `${path}.size`),
    arrayLength: field['array_len'] === undefined ? undefined : JSON_OF.count(field['array_len'], `${path}.array_len`),
    index: field['index'] === undefined ? undefined : JSON_OF.count(field['index'], `${path}.index`),
    struct:
      type === 'struct' ? structFrom(JSON_OF.object(field['struct'], `${path}.struct`), `${path}.struct`) : undefined,
  };
}
