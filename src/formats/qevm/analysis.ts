/**
 * Converts the sections and fields of a state to the format in which QEMU's scripts/analyze-migration.py prints them.
 * So the two outputs can be compared, and scripts that read the output of analyze-migration.py can read stubferry's
 * output.
 *
 *     { "ram (2)": { "section sizes": { "pc.ram": "0x..." } },
 *       "0000:00:03.0/e1000 (27)": { field: value, "subsection": { ... } } }
 *
 *     integer  "0x00000001"; "0xffffffff (-1)" if below 0    bool    true
 *     struct   { ... }                                       others  "00 01 02": the bytes
 *     array    [ ... ]
 */
import type { DeviceDescription } from './description.js';
import { type Field, readFields, type Struct } from './fields.js';
import type { QevmState } from './state.js';
import { fieldValue, TIMER } from './values.js';

/** A section, a struct or a value in this format. */
export type Analysis = boolean | string | readonly Analysis[] | { readonly [name: string]: Analysis };

/**
 * Converts all sections of a state.
 *
 * @param state a state with a description; without one, the result contains only RAM
 * @throws StubferryError LIMIT_EXCEEDED: when a device has too many fields
 */
export function analysisOf(state: QevmState): Record<string, Analysis> {
  const analysis: Record<string, Analysis> = {};
  const described = state.description?.devices.values();
  for (const section of state.sections) {
    const body = section.type === 'full' ? state.bodyOf(section) : undefined;
    const device: DeviceDescription | undefined = body === undefined ? undefined : described?.next().value;
    const key = `${section.name} (${section.id})`;
    if (body !== undefined && device !== undefined) analysis[key] = structAnalysis(readFields(body, device));
    else if (section.type === 'start' && section.name === 'ram') analysis[key] = ramAnalysis(state);
  }
  return analysis;
}

function ramAnalysis({ ram }: QevmState): Analysis {
  const sizes = (ram?.blocks ?? []).map(({ name, bytes }) => [name, `0x${bytes.toString(16).padStart(16, '0')}`]);
  return { 'section sizes': Object.fromEntries(sizes) };
}

/** Converts a device, or a struct of a device. */
export function structAnalysis({ fields, subsections }: Struct): Record<string, Analysis> {
  const analysis = new Map<string, Analysis | Analysis[]>();
  for (const field of fields) {
    const value = field.struct === undefined ? fieldAnalysis(field) : structAnalysis(field.struct);
    const others = analysis.get(field.name);
    if (field.index === undefined) analysis.set(field.name, value);
    else if (Array.isArray(others)) others.push(value);
    else analysis.set(field.name, [value]);
  }
  for (const subsection of subsections) analysis.set(subsection.name, structAnalysis(subsection));
  return Object.fromEntries(analysis);
}

function fieldAnalysis(field: Field): Analysis {
  const value = fieldValue(field);
  if (value.kind === 'boolean') return value.value;
  if (value.kind === 'bytes' || field.type === TIMER) return hexBytes(field.bytes);
  const hex = `0x${hexBytes(field.bytes).replaceAll(' ', '')}`;
  return value.value < 0n ? `${hex} (${value.value})` : hex;
}

function hexBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replaceAll(/..(?=.)/g, '$& ');
}
