/** Lists the files of an image, and verifies the image against its manifest. */
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, StubferryError } from '../base/errors/index.js';
import { decodeHeader, decodePath, HEADER_BYTES, isTrailer, notCpio, padded, S_IFMT, S_IFREG } from './cpio/newc.js';
import {
  decodeManifest,
  digestOfFile,
  LONGEST_MANIFEST,
  MANIFEST_PATH,
  type Manifest,
  ROOT_FILE_SYSTEM_PATH,
} from './manifest.js';

/** The limit of cpio entries. An image has about thirty. */
const MOST_ENTRIES = 4096;

/** An image that matches its manifest. */
export interface InspectedImage {
  /** The length of the ramdisk, in bytes. */
  readonly bytes: number;
  readonly manifest: Manifest;
}

interface Entry {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a ramdisk and verifies it.
 *
 * @param path the path of the ramdisk
 * @throws StubferryError INPUT_UNREADABLE: when it cannot be opened
 * @throws StubferryError NOT_AN_IMAGE: when it is not a ramdisk from `stubferry image build`, or is truncated
 * @throws StubferryError UNSUPPORTED_VERSION: when its manifest has another format
 * @throws StubferryError CORRUPT: when a file differs from the manifest
 */
export async function inspectImage(path: string): Promise<InspectedImage> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new StubferryError('INPUT_UNREADABLE', 'the image cannot be read', {
      where: path,
      found: messageOf(cause),
      cause,
    });
  });
  try {
    const { size } = await file.stat();
    const entries = await listEntries(file, size).catch((error: unknown) => {
      throw StubferryError.from(error).at(path);
    });
    const manifest = await readManifest(file, entries).catch((error: unknown) => {
      throw StubferryError.from(error).at(path);
    });
    await compare(path, entries, manifest);
    return { bytes: size, manifest };
  } finally {
    await file.close();
  }
}

/** Lists the regular files of the archive. */
async function listEntries(file: FileHandle, size: number): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let offset = 0;
  for (let count = 0; count < MOST_ENTRIES; count += 1) {
    const header = decodeHeader(await read(file, offset, HEADER_BYTES));
    const path = decodePath(await read(file, offset + HEADER_BYTES, header.pathLength));
    if (isTrailer(path)) return entries;
    const start = offset + padded(HEADER_BYTES + header.pathLength);
    const end = start + header.size;
    if (end > size) throw notCpio(`${size} bytes, but ${path} ends at byte ${end}`);
    if ((header.mode & S_IFMT) === S_IFREG) entries.set(path, { path, start, end });
    offset = padded(end);
  }
  throw notCpio(`more than ${MOST_ENTRIES} entries`);
}

async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead < length) throw notCpio(`the file ends at byte ${offset + bytesRead}, in the middle of an entry`);
  return buffer;
}

async function readManifest(file: FileHandle, entries: ReadonlyMap<string, Entry>): Promise<Manifest> {
  const entry = entries.get(MANIFEST_PATH);
  if (entry === undefined) throw notCpio(`a cpio archive without ${MANIFEST_PATH}`);
  const length = entry.end - entry.start;
  if (length > LONGEST_MANIFEST) throw notCpio(`${MANIFEST_PATH} of ${length} bytes`);
  return decodeManifest(await read(file, entry.start, length));
}

/**
 * Compares every file of the ramdisk, including the compressed root file system, with the manifest.
 *
 * @throws StubferryError CORRUPT
 */
async function compare(path: string, entries: ReadonlyMap<string, Entry>, manifest: Manifest): Promise<void> {
  const expected = new Map(
    manifest.files.filter((file) => file.in === 'ramdisk').map((file) => [file.path.slice(1), file.sha256]),
  );
  expected.set(ROOT_FILE_SYSTEM_PATH, manifest.system.sha256);
  for (const [name, { start, end }] of entries) {
    if (name === MANIFEST_PATH) continue;
    const wanted = expected.get(name);
    expected.delete(name);
    const { sha256 } = await digestOfFile(path, { start, end });
    if (sha256 !== wanted) throw differs(path, name, wanted ?? 'no such file', sha256);
  }
  const [missing] = expected.keys();
  if (missing !== undefined) throw differs(path, missing, 'a file', 'none');
}

function differs(where: string, name: string, expected: string, found: string): StubferryError {
  return new StubferryError('CORRUPT', `${name} in the image differs from the manifest`, {
    where,
    expected,
    found,
    hint: "build the image again with 'stubferry image build'",
  });
}
