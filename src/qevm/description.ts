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
import { printable, StubferryError } from '../errors/index.js';

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
  const root = objectAt(parsed, 'description');
  return {
    pageSize: countAt(root['page_size'], 'page_size'),
    devices: listAt(root['devices'], 'devices').map((device, place) => deviceFrom(device, `devices[${place}]`)),
  };
}

function deviceFrom(value: unknown, path: string): DeviceDescription {
  const device = objectAt(value, path);
  const name = textAt(device['name'], `${path}.name`);
  const instance = countAt(device['instance_id'], `${path}.instance_id`);
  return { name, instance, ...structFrom(device, path, name) };
}

/** @param name for a device that is saved by code of its own, and so has no VMStateDescription */
function structFrom(struct: Record<string, unknown>, path: string, name?: string): StructDescription {
  const { vmsd_name: vmsdName = name, version = 0, fields, subsections = [] } = struct;
  return {
    vmsdName: textAt(vmsdName, `${path}.vmsd_name`),
    version: countAt(version, `${path}.version`),
    fields: listAt(fields, `${path}.fields`).map((field, place) => fieldFrom(field, `${path}.fields[${place}]`)),
    subsections: listAt(subsections, `${path}.subsections`).map((subsection, place) => {
      const inner = `${path}.subsections[${place}]`;
      return structFrom(objectAt(subsection, inner), inner);
    }),
  };
}

function fieldFrom(value: unknown, path: string): FieldDescription {
  const field = objectAt(value, path);
  const type = textAt(field['type'], `${path}.type`);
  return {
    name: textAt(field['name'], `${path}.name`),
    type,
    size: countAt(field['size'], `${path}.size`),
    arrayLength: field['array_len'] === undefined ? undefined : countAt(field['array_len'], `${path}.array_len`),
    index: field['index'] === undefined ? undefined : countAt(field['index'], `${path}.index`),
    struct: type === 'struct' ? structFrom(objectAt(field['struct'], `${path}.struct`), `${path}.struct`) : undefined,
  };
}

function objectAt(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(path, 'an object', value);
}

function listAt(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(path, 'a list', value);
}

function textAt(value: unknown, path: string): string {
  if (typeof value === 'string' && value.length <= 255) return value;
  throw wrong(path, 'a text of at most 255 characters', value);
}

function countAt(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, 'a number from 0 on', value);
}

function wrong(path: string, expected: string, value: unknown): StubferryError {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
  const found = value === undefined ? 'nothing' : isPlain ? printable(JSON.stringify(value), 80) : 'something else';
  return new StubferryError('CORRUPT', `the description of the devices is wrong at ${path}`, { expected, found });
}
