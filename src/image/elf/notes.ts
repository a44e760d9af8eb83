/**
 * Reads the notes of an ELF file. A kernel that Xen can start has notes of the owner `Xen`
 * (xen/include/public/elfnote.h).
 */
import { type ElfFile, PT } from './elf-file.js';
import { latin1 } from './reader.js';

const HEADER_BYTES = 12;
const OWNER = 'Xen\0';
/**
 * The type XEN_ELFNOTE_ENTRY: the address at which a PV guest starts, as a number. The old form of the notes is one
 * string.
 */
const ENTRY = 1;

/**
 * Tells whether Xen can start this kernel as a PV domain, which a stubdom is.
 *
 * @throws StubferryError UNFIT_PARTS: when it is damaged
 */
export function hasXenEntry({ reader, segments }: ElfFile): boolean {
  return segments.some(({ type, offset, fileSize }) => {
    if (type !== PT.note) return false;
    for (let at = offset; at + HEADER_BYTES <= offset + fileSize; ) {
      const [ownerLength, length] = [reader.u32(at), reader.u32(at + 4)];
      const owner = latin1(reader.bytes(at + HEADER_BYTES, Math.min(ownerLength, OWNER.length)));
      if (owner === OWNER && reader.u32(at + 8) === ENTRY) return true;
      at += HEADER_BYTES + padded(ownerLength) + padded(length);
    }
    return false;
  });
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
