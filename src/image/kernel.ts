/**
 * The stubdom's kernel: the ELF file that Debian's bzImage contains in compressed form. Xen's domain builder accepts
 * both. It need not decompress the ELF file: under emulation, `xl create` of a PV guest took 1.1 s with the ELF file
 * and 5.6 s with the bzImage.
 *
 *     bzImage: boot sector | setup header at 0x1f1 | setup | protected-mode code, which contains the payload
 *     payload: compressed ELF | size of the ELF, u32        (linux/Documentation/arch/x86/boot.rst, "payload_offset")
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
/** Offset of the version of the boot protocol. */
const PROTOCOL_VERSION = 0x206;
/** The first version of the boot protocol whose header locates the payload. */
const WITH_PAYLOAD = 0x208;
/** The largest kernel that is accepted, in bytes. Debian's kernel has 66 MiB. */
const LARGEST_KERNEL = 512 * 2 ** 20;

/** Compressions that need a program of the host. Node itself decompresses gzip. */
const COMPRESSIONS = [
  { magic: 'fd377a585a00', tool: 'xz' },
  { magic: '28b52ffd', tool: 'zstd' },
  { magic: '02214c18', tool: 'lz4' },
] as const;

/** A kernel of the package tree. */
export interface Kernel {
  /** The release, as `uname -r` prints it. */
  readonly release: string;
  /** The kernel's file in the package. */
  readonly bzImage: Part;
}

/**
 * Finds a kernel in the package tree.
 *
 * @param release the release; the newest one with modules when undefined
 * @throws StubferryError PACKAGE_MISSING: when there is no such kernel
 */
export async function findKernel(tree: PackageTree, release: string | undefined): Promise<Kernel> {
  const releases =
    release === undefined ? [...(await tree.list('/usr/lib/modules'))].sort(byVersion).reverse() : [release];
  for (const candidate of releases) {
    const path = `/boot/vmlinuz-${candidate}`;
    const source = await tree.find(path);
    if (source !== undefined) return { release: candidate, bzImage: { path, source } };
  }
  throw new StubferryError('PACKAGE_MISSING', 'no kernel for the stubdom', {
    where: `/boot/vmlinuz-${release ?? '*'}`,
    expected: 'a Debian kernel with its modules in /lib/modules',
    hint: tree.advice('linux-image-amd64'),
  });
}

/**
 * Writes the kernel as an ELF file.
 *
 * @param scratch a directory for temporary files
 * @throws StubferryError INPUT_UNREADABLE: when the bzImage cannot be read
 * @throws StubferryError UNFIT_PARTS: when Xen cannot start this kernel as a PV domain, or it is damaged
 * @throws StubferryError TOOL_MISSING, TOOL_FAILED: when the program that decompresses it is missing or fails
 */
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
      hint: 'on some hosts only root can read it',
      cause,
    });
  }
}

/**
 * Finds the compressed kernel within a bzImage.
 *
 * @param where the path of the file, for errors
 * @returns `size` is the length of the decompressed kernel, in bytes
 * @throws StubferryError UNFIT_PARTS: when the image is not such a bzImage, or is truncated
 */
export function payloadOf(image: Buffer, where: string): { compressed: Buffer; size: number } {
  const isBzImage = image.length > HEADER_END && image.toString('latin1', SIGNATURE, SIGNATURE + 4) === 'HdrS';
  if (!isBzImage || image.readUInt16LE(PROTOCOL_VERSION) < WITH_PAYLOAD)
    throw unfit(where, 'a bzImage of boot protocol 2.08 or newer', 'something else');
  // 0 means 4, for compatibility with old boot loaders.
  const setup = ((image[SETUP_SECTS] || 4) + 1) * SECTOR;
  const start = setup + image.readUInt32LE(PAYLOAD_OFFSET);
  const end = start + image.readUInt32LE(PAYLOAD_LENGTH);
  if (end > image.length || end - start < 8) throw unfit(where, `a payload until byte ${end}`, `${image.length} bytes`);
  const size = image.readUInt32LE(end - 4);
  if (size > LARGEST_KERNEL) throw unfit(where, `a kernel of at most ${LARGEST_KERNEL} bytes`, `${size} bytes`);
  const isGzip = image.readUInt16BE(start) === 0x1f8b;
  // The size is part of the gzip format; the kernel's build appends it to the other formats.
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
  return new StubferryError('UNFIT_PARTS', 'the kernel cannot be used in a stubdom', {
    where,
    expected,
    found,
    hint: "choose another kernel with '--kernel-release'",
  });
}
