/** Encodes libxl streams from docs/specs/libxl-migration-stream.pandoc of Xen, independently of the parser. */
import type { ByteOrder } from '../../../src/formats/pull-parser/index.js';
import { HVM, libxcStream } from '../libxc-stream/libxc-bytes.js';
import { record, u32 } from '../pull-parser/numbers.js';

export const LIBXL_TYPES = {
  END: 0,
  LIBXC_CONTEXT: 1,
  EMULATOR_XENSTORE_DATA: 2,
  EMULATOR_CONTEXT: 3,
  CHECKPOINT_END: 4,
  CHECKPOINT_STATE: 5,
} as const;

export function libxlHead(options = 0, version = 2): Buffer {
  return Buffer.concat([Buffer.from('LibxlFmt'), u32(version, 'big'), u32(options, 'big')]);
}

export function libxlRecord(
  name: keyof typeof LIBXL_TYPES,
  body: Uint8Array = new Uint8Array(0),
  order: ByteOrder = 'little',
): Buffer {
  return record(LIBXL_TYPES[name], body, order);
}

/** Encodes an emulator record. The default emulator 2 is qemu-xen. */
export function emulatorRecord(
  name: 'EMULATOR_XENSTORE_DATA' | 'EMULATOR_CONTEXT',
  body: Uint8Array,
  order: ByteOrder = 'little',
  [emulator, index]: readonly [number, number] = [2, 0],
): Buffer {
  return libxlRecord(name, Buffer.concat([u32(emulator, order), u32(index, order), body]), order);
}

export function xenstoreData(entries: readonly (readonly [string, string])[]): Buffer {
  return Buffer.from(entries.map(([key, value]) => `${key}\0${value}\0`).join(''), 'latin1');
}

/** Encodes the stream of an HVM guest with this emulator context. */
export function libxlStream(context: Uint8Array, order: ByteOrder = 'little', ...before: Buffer[]): Buffer {
  return Buffer.concat([
    libxlHead(order === 'big' ? 1 : 0),
    libxlRecord('LIBXC_CONTEXT', undefined, order),
    libxcStream({ ...HVM, order }),
    ...before,
    emulatorRecord('EMULATOR_CONTEXT', context, order),
    libxlRecord('END', undefined, order),
  ]);
}
