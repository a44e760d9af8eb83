/** The list of what is in an image. It is a file of the ramdisk itself, so that an image can always be asked. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import * as z from 'zod/mini';
import { StubferryError } from '../base/errors/index.js';

/** Its place in the ramdisk, and that of the system. */
export const MANIFEST_PATH = 'manifest.json';
export const SYSTEM_PATH = 'system.squashfs';
/** Of about 100 files it has 25 KB. */
export const LONGEST_MANIFEST = 4 * 2 ** 20;

const digest = z.object({ bytes: z.number(), sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)) });
const origin = { package: z.string(), version: z.string() };

const manifest = z.object({
  format: z.literal(1),
  writer: z.string(),
  /** The kernel that belongs to it: the modules fit to no other. */
  kernel: z.extend(digest, { release: z.string(), ...origin }),
  /** The compressed file system within the ramdisk. */
  system: digest,
  files: z.array(
    z.extend(digest, {
      path: z.string(),
      /** Whether it is in the ramdisk itself, or in the system. */
      in: z.enum(['ramdisk', 'system']),
      ...origin,
    }),
  ),
  links: z.array(z.object({ path: z.string(), target: z.string() })),
});

export type Manifest = z.infer<typeof manifest>;
export type ManifestFile = Manifest['files'][number];
export type Digest = z.infer<typeof digest>;

export function encodeManifest(value: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}

/** @throws StubferryError NOT_AN_IMAGE, UNSUPPORTED_VERSION */
export function decodeManifest(bytes: Buffer): Manifest {
  const document = parse(bytes);
  const { format } = z.looseObject({ format: z.unknown() }).safeParse(document).data ?? {};
  if (typeof format === 'number' && format !== 1) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'the image is of another version', {
      expected: 'a manifest of format 1',
      found: `format ${format}`,
    });
  }
  const result = manifest.safeParse(document);
  if (result.success) return result.data;
  throw noManifest(z.prettifyError(result.error).split('\n')[0] ?? '');
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw noManifest('no JSON', cause);
  }
}

function noManifest(found: string, cause?: unknown): StubferryError {
  return new StubferryError('NOT_AN_IMAGE', 'the list of what is in the image is damaged', {
    where: MANIFEST_PATH,
    found,
    cause,
  });
}

export function digestOf(bytes: Uint8Array): Digest {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** @param range the bytes from `start` to before `end`; all when undefined */
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
