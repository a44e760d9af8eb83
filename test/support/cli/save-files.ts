/** A save file that xl 4.17 wrote, and altered copies of it. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { XEN_STATE } from './captured-states.js';

/** The path of the save file, compressed with xz. */
export const COMPRESSED_SAVE = fileURLToPath(
  new URL('../../../fixtures/xl-save/xen-minimal.xlsave.xz', import.meta.url),
);

/** The offset and length of its emulator context, in bytes. */
export const CONTEXT = { offset: 16_751_819, length: 6674 };

let unpacked: Buffer | undefined;

/** The save file, decompressed. */
export function saveFile(): Buffer {
  unpacked ??= execFileSync('xz', ['-dc', COMPRESSED_SAVE], { maxBuffer: 32 << 20 });
  return unpacked;
}

/** The save file as libxl would have written it with this state; libxl does not parse the state. */
export function saveFileWith(state: Uint8Array): Buffer {
  const file = saveFile();
  const header = Buffer.from(file.subarray(CONTEXT.offset - 16, CONTEXT.offset));
  header.writeUInt32LE(state.length + 8, 4);
  const padding = Buffer.alloc((8 - (state.length % 8)) % 8);
  return Buffer.concat([file.subarray(0, CONTEXT.offset - 16), header, state, padding, file.subarray(-8)]);
}

/** The save file with its emulator context truncated to that many bytes. */
export function saveFileTruncatedTo(bytes: number): Buffer {
  return saveFileWith(XEN_STATE.bytes.subarray(0, bytes));
}
