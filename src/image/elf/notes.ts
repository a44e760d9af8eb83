/** Notes of an ELF file. A kernel that Xen can start says so in notes of the owner `Xen` (xen/include/public/elfnote.h). */
import { type ElfFile, PT } from './elf-file.js';
import { latin1 } from './reader.js';

const HEADER_BYTES = 12;
const OWNER = 'Xen\0';
/** XEN_ELFNOTE_ENTRY, the address where a PV guest starts: a number, where a string would be the old form. */
const ENTRY = 1;

/** Whether Xen can start this kernel as a PV domain, as a stubdom is one. @throws StubferryError UNFIT_PARTS */
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
