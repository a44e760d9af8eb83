/** Writing and inspecting whole ramdisks. busybox unpacks them as an independent implementation. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { inspectImage } from '../../../src/image/inspect-image.js';
import {
  digestOf,
  encodeManifest,
  MANIFEST_PATH,
  type Manifest,
  ROOT_FILE_SYSTEM_PATH,
} from '../../../src/image/manifest.js';
import { type RamdiskFile, writeRamdisk } from '../../../src/image/ramdisk.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { scratchDirectory } from '../../support/image/elf-tree.js';
import { BUSYBOX, isReadable } from '../../support/qemu/linux-guest.js';

const INIT = Buffer.from('#!/bin/busybox sh\n');
const MODULE = randomBytes(1001);
const ROOT_FILE_SYSTEM = randomBytes(300_003);
const origin = { package: 'stubferry', version: '0.1.0' };

const manifest: Manifest = {
  format: 1,
  writer: 'stubferry 0.1.0',
  kernel: { release: '6.1', bytes: 1, sha256: '0'.repeat(64), ...origin },
  system: digestOf(ROOT_FILE_SYSTEM),
  files: [
    { path: '/init', in: 'ramdisk', ...digestOf(INIT), ...origin },
    { path: '/modules.d/loop.ko', in: 'ramdisk', ...digestOf(MODULE), ...origin },
    { path: '/usr/bin/node', in: 'system', bytes: 5, sha256: '1'.repeat(64), package: 'node', version: 'v20.1.0' },
  ],
  links: [{ path: '/bin', target: 'usr/bin' }],
};

let directory = '';
let image = '';

async function write(
  changes: { manifest?: unknown; init?: Buffer; files?: readonly RamdiskFile[] } = {},
): Promise<void> {
  const squashfs = join(directory, 'system');
  await writeFile(squashfs, ROOT_FILE_SYSTEM);
  const list =
    changes.manifest === undefined ? encodeManifest(manifest) : Buffer.from(JSON.stringify(changes.manifest));
  await writeRamdisk(image, [
    { path: 'modules.d/loop.ko', executable: false, content: MODULE },
    { path: 'init', executable: true, content: changes.init ?? INIT },
    { path: MANIFEST_PATH, executable: false, content: list },
    { path: ROOT_FILE_SYSTEM_PATH, executable: false, content: { source: squashfs, bytes: ROOT_FILE_SYSTEM.length } },
    ...(changes.files ?? []),
  ]);
}

beforeEach(async () => {
  directory = await scratchDirectory();
  image = join(directory, 'ramdisk');
});

const A_BUSYBOX = { what: `${BUSYBOX} (apt install busybox-static)`, isThere: isReadable(BUSYBOX) };

describeWith([A_BUSYBOX], 'busybox', () => {
  it('unpacks a ramdisk to the files that were written', async () => {
    await write();
    const to = join(directory, 'unpacked');
    execFileSync(BUSYBOX, ['sh', '-c', `mkdir ${to} && cd ${to} && ${BUSYBOX} cpio -i < ${image} 2>/dev/null`]);
    expect(await readFile(join(to, 'init'))).toEqual(INIT);
    expect(await readFile(join(to, 'modules.d/loop.ko'))).toEqual(MODULE);
    expect(await readFile(join(to, ROOT_FILE_SYSTEM_PATH))).toEqual(ROOT_FILE_SYSTEM);
    expect([(await stat(join(to, 'init'))).mode & 0o777, (await stat(join(to, 'modules.d'))).mode & 0o777]).toEqual([
      0o755, 0o755,
    ]);
  });
});

describe('a ramdisk', () => {
  it('has the manifest that was written', async () => {
    await write();
    expect(await inspectImage(image)).toEqual({ bytes: (await stat(image)).size, manifest });
  });

  it('has the same bytes for the same files, whatever their order is', async () => {
    await write();
    const first = await readFile(image);
    image = join(directory, 'again');
    const squashfs = { source: join(directory, 'system'), bytes: ROOT_FILE_SYSTEM.length };
    await writeRamdisk(image, [
      { path: ROOT_FILE_SYSTEM_PATH, executable: false, content: squashfs },
      { path: MANIFEST_PATH, executable: false, content: encodeManifest(manifest) },
      { path: 'init', executable: true, content: INIT },
      { path: 'modules.d/loop.ko', executable: false, content: MODULE },
    ]);
    expect((await readFile(image)).equals(first)).toBe(true);
  });

  it.each([
    ['a file of the ramdisk', 'init', INIT],
    ['the root file system', ROOT_FILE_SYSTEM_PATH, ROOT_FILE_SYSTEM],
  ])('is CORRUPT when %s was changed', async (_, name, content) => {
    await write();
    const bytes = await readFile(image);
    const at = bytes.indexOf(content.subarray(0, 16)) + 10;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(image, bytes);
    await expect(inspectImage(image)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: `${name} in the image differs from the manifest`,
      details: { where: image },
    });
  });

  it('is CORRUPT with an additional file', async () => {
    await write({ files: [{ path: 'etc/backdoor', executable: true, content: INIT }] });
    await expect(inspectImage(image)).rejects.toMatchObject({ code: 'CORRUPT', details: { expected: 'no such file' } });
  });

  it('is CORRUPT when a file is missing', async () => {
    const more = { path: '/gone', in: 'ramdisk' as const, ...digestOf(INIT), ...origin };
    await write({ manifest: { ...manifest, files: [...manifest.files, more] } });
    await expect(inspectImage(image)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: 'gone in the image differs from the manifest',
      details: { found: 'none' },
    });
  });

  it.each([
    ['of a later format', { format: 2 }, 'UNSUPPORTED_VERSION'],
    ['without its required fields', { format: 1 }, 'NOT_AN_IMAGE'],
    ['that is not an object', [], 'NOT_AN_IMAGE'],
  ])('is refused with a manifest %s', async (_, list, code) => {
    await write({ manifest: list });
    await expect(inspectImage(image)).rejects.toMatchObject({ code, details: { where: expect.anything() } });
  });
});

describe('a file that is not a ramdisk of a stubdom is NOT_AN_IMAGE', () => {
  it.each([
    ['an empty file', Buffer.alloc(0), 'the file ends at byte 0, in the middle of an entry'],
    ['a file of another format', Buffer.alloc(4096, 'x'), 'no header that begins with 070701'],
  ])('%s', async (_, bytes, found) => {
    await writeFile(image, bytes);
    await expect(inspectImage(image)).rejects.toMatchObject({ code: 'NOT_AN_IMAGE', details: { where: image, found } });
  });

  it('a ramdisk that is truncated at any position', async () => {
    await write();
    const whole = await readFile(image);
    // The last three bytes are padding.
    for (const length of [50, 111, 5000, whole.length - 200, whole.length - 4]) {
      await writeFile(image, whole.subarray(0, length));
      await expect(inspectImage(image)).rejects.toMatchObject({ code: 'NOT_AN_IMAGE' });
    }
  });

  it('a cpio archive without a manifest', async () => {
    await writeRamdisk(image, [{ path: 'init', executable: true, content: INIT }]);
    await expect(inspectImage(image)).rejects.toMatchObject({
      code: 'NOT_AN_IMAGE',
      details: { found: 'a cpio archive without manifest.json' },
    });
  });
});

it('a ramdisk that does not exist is INPUT_UNREADABLE', async () => {
  await expect(inspectImage(join(directory, 'none'))).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
});
