/**
 * The stubdom's kernel: Debian's, as the ELF file that is compressed inside of its bzImage. Xen's domain builder takes that as well,
 * and has nothing to unpack: `xl create` of a PV guest took 1.1 s with it and 5.6 s with the bzImage, under emulation.
 *
 *     bzImage: boot sector | setup header at 0x1f1 | setup | protected-mode code, in which: payload
 *     payload: compressed ELF | its size, u32        (linux/Documentation/arch/x86/boot.rst, "payload_offset")
 */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { messageOf, StubferryError } from '../base/errors/index.js';
import { EM_X86_64, parseElf } from './elf/elf-file.js';
import { hasXenEntry } from './elf/notes.js';
import { byVersion, type PackageTree, type Part } from './package-tree.js';
import { runToolInto } from './run-tool.js';

const SETUP_SECTS = 0x1f1;
const SIGNATURE = 0x202;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR = 512;
const HEADER_END = 0x250;
/** First version of the boot protocol that says where the payload is. */
const PROTOCOL_VERSION = 0x206;
const WITH_PAYLOAD = 0x208;
/** Debian's has 66 MiB. */
const LARGEST_KERNEL = 512 * 2 ** 20;

/** Beside gzip, which Node has. */
const COMPRESSIONS = [
  { magic: 'fd377a585a00', tool: 'xz' },
  { magic: '28b52ffd', tool: 'zstd' },
  { magic: '02214c18', tool: 'lz4' },
] as const;

export interface Kernel {
  /** As `uname -r` says it. */
  readonly release: string;
  readonly bzImage: Part;
}

/** @param release the newest that has modules when undefined. @throws StubferryError PACKAGE_MISSING */
export async function findKernel(tree: PackageTree, release: string | undefined): Promise<Kernel> {
  const releases =
    release === undefined ? [...(await tree.list('/usr/lib/modules'))].sort(byVersion).reverse() : [release];
  for (const candidate of releases) {
    const path = `/boot/vmlinuz-${candidate}`;
    const source = await tree.find(path);
    if (source !== undefined) return { release: candidate, bzImage: { path, source } };
  }
  throw new StubferryError('PACKAGE_MISSING', 'there is no kernel for the stubdom', {
    where: `/boot/vmlinuz-${release ?? '*'}`,
    expected: 'a kernel of Debian with its modules in /lib/modules',
    hint: tree.advice('linux-image-amd64'),
  });
}

/** Writes the kernel as an ELF file. @throws StubferryError UNFIT_PARTS, TOOL_MISSING, TOOL_FAILED */
export async function extractKernel(
  { bzImage }: Kernel,
  destination: string,
  scratch: string,
  signal: AbortSignal,
): Promise<void> {
  const { compressed, size } = payloadOf(await readKernel(bzImage.source), bzImage.source);
  await decompress(compressed, destination, scratch, signal);
  await chmod(destination, 0o644);
  const elf = await readFile(destination);
  if (elf.length !== size)
    throw unfit(bzImage.source, `a kernel of ${size} bytes`, `${elf.length} bytes after decompression`);
  const file = parseElf(elf);
  if (file.machine !== EM_X86_64 || !hasXenEntry(file))
    throw unfit(bzImage.source, 'a kernel for amd64 that starts as a PV domain of Xen (CONFIG_XEN_PV)', 'none');
}

async function readKernel(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new StubferryError('INPUT_UNREADABLE', 'the kernel cannot be read', {
      where: path,
      found: messageOf(cause),
      hint: 'on some systems only root may read it',
      cause,
    });
  }
}

/** The compressed kernel within a bzImage, and its size when it is unpacked. @throws StubferryError UNFIT_PARTS */
export function payloadOf(image: Buffer, where: string): { compressed: Buffer; size: number } {
  const isBzImage = image.length > HEADER_END && image.toString('latin1', SIGNATURE, SIGNATURE + 4) === 'HdrS';
  if (!isBzImage || image.readUInt16LE(PROTOCOL_VERSION) < WITH_PAYLOAD)
    throw unfit(where, 'a bzImage of boot protocol 2.08 or newer', 'something else');
  // 0 stands for 4, for old boot loaders.
  const setup = ((image[SETUP_SECTS] || 4) + 1) * SECTOR;
  const start = setup + image.readUInt32LE(PAYLOAD_OFFSET);
  const end = start + image.readUInt32LE(PAYLOAD_LENGTH);
  if (end > image.length || end - start < 8) throw unfit(where, `a payload until byte ${end}`, `${image.length} bytes`);
  const size = image.readUInt32LE(end - 4);
  if (size > LARGEST_KERNEL) throw unfit(where, `a kernel of at most ${LARGEST_KERNEL} bytes`, `${size} bytes`);
  const isGzip = image.readUInt16BE(start) === 0x1f8b;
  // gzip ends with the size itself; to the others the kernel's build adds it.
  return { compressed: image.subarray(start, isGzip ? end : end - 4), size };
}

async function decompress(
  compressed: Buffer,
  destination: string,
  scratch: string,
  signal: AbortSignal,
): Promise<void> {
  const magic = compressed.toString('hex', 0, 6);
  if (magic.startsWith('1f8b')) {
    await writeFile(destination, gunzipSync(compressed, { maxOutputLength: LARGEST_KERNEL }));
    return;
  }
  const tool = COMPRESSIONS.find((one) => magic.startsWith(one.magic))?.tool;
  if (tool === undefined)
    throw unfit(destination, 'a kernel compressed by gzip, xz, zstd or lz4', `the bytes ${magic}`);
  const input = join(scratch, `kernel.${tool}`);
  await writeFile(input, compressed);
  await runToolInto(destination, tool, ['--decompress', '--stdout', input], signal);
}

function unfit(where: string, expected: string, found: string): StubferryError {
  return new StubferryError('UNFIT_PARTS', 'this kernel cannot be the kernel of a stubdom', {
    where,
    expected,
    found,
    hint: "name another one that is installed by '--kernel-release'",
  });
}
