/**
 * The manifest: the list of an image's files. It is a file of the ramdisk itself, so that every image can be inspected.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import * as z from 'zod/mini';
import { StubferryError } from '../base/errors/index.js';

/** The path of the manifest in the ramdisk. */
export const MANIFEST_PATH = 'manifest.json';
/** The path of the compressed root file system in the ramdisk. */
export const ROOT_FILE_SYSTEM_PATH = 'system.squashfs';
/** The longest manifest that is accepted, in bytes. The manifest of about 100 files has 25 KB. */
export const LONGEST_MANIFEST = 4 * 2 ** 20;

const digest = z.object({ bytes: z.number(), sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)) });
const origin = { package: z.string(), version: z.string() };

const manifest = z.object({
  format: z.literal(1),
  writer: z.string(),
  /** The kernel of the image. Its modules fit no other kernel. */
  kernel: z.extend(digest, { release: z.string(), ...origin }),
  /** The compressed root file system within the ramdisk. */
  system: digest,
  files: z.array(
    z.extend(digest, {
      path: z.string(),
      /** `ramdisk` for a file of the ramdisk itself, `system` for a file of the root file system. */
      in: z.enum(['ramdisk', 'system']),
      ...origin,
    }),
  ),
  links: z.array(z.object({ path: z.string(), target: z.string() })),
});

/** The content of `manifest.json`. */
export type Manifest = z.infer<typeof manifest>;
/** A file of the manifest, with its digest and its package. */
export type ManifestFile = Manifest['files'][number];
/** The length of a file in bytes, and its SHA-256 in hexadecimal digits. */
export type Digest = z.infer<typeof digest>;

/** Encodes a manifest as JSON. */
export function encodeManifest(value: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}

/**
 * Decodes and validates a manifest.
 *
 * @throws StubferryError NOT_AN_IMAGE: when it is not a manifest
 * @throws StubferryError UNSUPPORTED_VERSION: when its format is not 1
 */
export function decodeManifest(bytes: Buffer): Manifest {
  const document = parse(bytes);
  const { format } = z.looseObject({ format: z.unknown() }).safeParse(document).data ?? {};
  if (typeof format === 'number' && format !== 1) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'the version of the image is not supported', {
      expected: 'a manifest of format 1',
      found: `format ${format}`,
    });
  }
  const result = manifest.safeParse(document);
  if (result.success) return result.data;
  throw damagedManifest(z.prettifyError(result.error).split('\n')[0] ?? '');
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw damagedManifest('text that is not JSON', cause);
  }
}

function damagedManifest(found: string, cause?: unknown): StubferryError {
  return new StubferryError('NOT_AN_IMAGE', 'the manifest of the image is damaged', {
    where: MANIFEST_PATH,
    found,
    cause,
  });
}

/** Computes the digest of bytes in memory. */
export function digestOf(bytes: Uint8Array): Digest {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * Computes the digest of a file.
 *
 * @param range the range of bytes, without the byte at `end`; the whole file when undefined
 */
export async function digestOfFile(
  path: string,
  range?: { readonly start: number; readonly end: number },
): Promise<Digest> {
  if (range !== undefined && range.start === range.end) return digestOf(Buffer.alloc(0));
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = createReadStream(path, range === undefined ? {} : { start: range.start, end: range.end - 1 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
