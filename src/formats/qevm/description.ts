/**
 * The description: what QEMU says of the devices whose state it has just written, as JSON behind the end mark
 * (`qemu_savevm_state_complete_precopy_non_iterable` in migration/savevm.c, `vmstate_save_state_v` in migration/vmstate.c).
 *
 *     { page_size, devices: [ { name, instance_id, vmsd_name, version, fields: [...], subsections: [...] } ... ] }
 *
 *     field       { name, type, size }             `size` bytes of that type
 *                 { ..., array_len: n }            n of them, one after another
 *                 { ..., index: i }                one of an array whose elements are described one by one
 *                 { ..., struct: { ... } }         has fields and subsections of its own; `size` is that of all of it
 *     subsection  { vmsd_name, version, ... }      0x05, its name, its version, its fields
 *
 * `migrate` writes it, `xen-save-devices-state` does not; nor does any with `-machine suppress-vmdesc=on`.
 */
import { TypedJson } from './typed-json.js';

const JSON_OF = new TypedJson('CORRUPT', 'the description of the devices');

export interface FieldDescription {
  readonly name: string;
  /** QEMU's name for how it is written: `uint32`, `timer`, `struct`, `qtailq` ... */
  readonly type: string;
  /** Bytes, of one element where it is an array. */
  readonly size: number;
  /** Elements, where all are described at once. */
  readonly arrayLength: number | undefined;
  /** Place in its array, where elements are described one by one. */
  readonly index: number | undefined;
  readonly struct: StructDescription | undefined;
}

export interface StructDescription {
  /** Of QEMU's VMStateDescription. */
  readonly vmsdName: string;
  readonly version: number;
  readonly fields: readonly FieldDescription[];
  readonly subsections: readonly StructDescription[];
}

export interface DeviceDescription extends StructDescription {
  /** The name of its section. */
  readonly name: string;
  readonly instance: number;
}

export interface Description {
  readonly pageSize: number;
  /** In the order of their sections. */
  readonly devices: readonly DeviceDescription[];
}

/** @param parsed the JSON text, parsed. @throws StubferryError CORRUPT, with the path to what is wrong */
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

/** @param name for a device that is saved by code of its own, and so has no VMStateDescription */
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
