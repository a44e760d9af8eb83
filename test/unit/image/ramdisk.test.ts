/** The ramdisk as a whole: another program unpacks what was written, and `inspect` says what is in it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { inspectImage } from '../../../src/image/inspect-image.js';
import { digestOf, encodeManifest, MANIFEST_PATH, type Manifest, SYSTEM_PATH } from '../../../src/image/manifest.js';
import { type RamdiskFile, writeRamdisk } from '../../../src/image/ramdisk.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { scratchFolder } from '../../support/image/elf-tree.js';
import { BUSYBOX, isReadable } from '../../support/qemu/linux-guest.js';

const INIT = Buffer.from('#!/bin/busybox sh\n');
const MODULE = randomBytes(1001);
const SYSTEM = randomBytes(300_003);
const origin = { package: 'stubferry', version: '0.1.0' };

const manifest: Manifest = {
  format: 1,
  writer: 'stubferry 0.1.0',
  kernel: { release: '6.1', bytes: 1, sha256: '0'.repeat(64), ...origin },
  system: digestOf(SYSTEM),
  files: [
    { path: '/init', in: 'ramdisk', ...digestOf(INIT), ...origin },
    { path: '/modules.d/loop.ko', in: 'ramdisk', ...digestOf(MODULE), ...origin },
    { path: '/usr/bin/node', in: 'system', bytes: 5, sha256: '1'.repeat(64), package: 'node', version: 'v20.1.0' },
  ],
  links: [{ path: '/bin', target: 'usr/bin' }],
};

let folder = '';
let image = '';

async function write(
  changes: { manifest?: unknown; init?: Buffer; files?: readonly RamdiskFile[] } = {},
): Promise<void> {
  const system = join(folder, 'system');
  await writeFile(system, SYSTEM);
  const list =
    changes.manifest === undefined ? encodeManifest(manifest) : Buffer.from(JSON.stringify(changes.manifest));
  await writeRamdisk(image, [
    { path: 'modules.d/loop.ko', executable: false, content: MODULE },
    { path: 'init', executable: true, content: changes.init ?? INIT },
    { path: MANIFEST_PATH, executable: false, content: list },
    { path: SYSTEM_PATH, executable: false, content: { source: system, bytes: SYSTEM.length } },
    ...(changes.files ?? []),
  ]);
}

beforeEach(async () => {
  folder = await scratchFolder();
  image = join(folder, 'ramdisk');
});

const A_BUSYBOX = { what: `${BUSYBOX} (apt install busybox-static)`, isThere: isReadable(BUSYBOX) };

describeWith([A_BUSYBOX], 'busybox', () => {
  it('unpacks a ramdisk to the files that it was made of', async () => {
    await write();
    const to = join(folder, 'unpacked');
    execFileSync(BUSYBOX, ['sh', '-c', `mkdir ${to} && cd ${to} && ${BUSYBOX} cpio -i < ${image} 2>/dev/null`]);
    expect(await readFile(join(to, 'init'))).toEqual(INIT);
    expect(await readFile(join(to, 'modules.d/loop.ko'))).toEqual(MODULE);
    expect(await readFile(join(to, SYSTEM_PATH))).toEqual(SYSTEM);
    expect([(await stat(join(to, 'init'))).mode & 0o777, (await stat(join(to, 'modules.d'))).mode & 0o777]).toEqual([
      0o755, 0o755,
    ]);
  });
});

describe('a ramdisk', () => {
  it('says what is in it', async () => {
    await write();
    expect(await inspectImage(image)).toEqual({ bytes: (await stat(image)).size, manifest });
  });

  it('is the same for the same files, in whatever order they come', async () => {
    await write();
    const first = await readFile(image);
    image = join(folder, 'again');
    const system = { source: join(folder, 'system'), bytes: SYSTEM.length };
    await writeRamdisk(image, [
      { path: SYSTEM_PATH, executable: false, content: system },
      { path: MANIFEST_PATH, executable: false, content: encodeManifest(manifest) },
      { path: 'init', executable: true, content: INIT },
      { path: 'modules.d/loop.ko', executable: false, content: MODULE },
    ]);
    expect((await readFile(image)).equals(first)).toBe(true);
  });

  it.each([
    ['a file of the ramdisk', 'init', INIT],
    ['the system', SYSTEM_PATH, SYSTEM],
  ])('in which %s was changed is not what was built', async (_, name, content) => {
    await write();
    const bytes = await readFile(image);
    const at = bytes.indexOf(content.subarray(0, 16)) + 10;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(image, bytes);
    await expect(inspectImage(image)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: `${name} in the image is not what was built`,
      details: { where: image },
    });
  });

  it('with a file more is not what was built', async () => {
    await write({ files: [{ path: 'etc/backdoor', executable: true, content: INIT }] });
    await expect(inspectImage(image)).rejects.toMatchObject({ code: 'CORRUPT', details: { expected: 'no such file' } });
  });

  it('with a file less is not what was built', async () => {
    const more = { path: '/gone', in: 'ramdisk' as const, ...digestOf(INIT), ...origin };
    await write({ manifest: { ...manifest, files: [...manifest.files, more] } });
    await expect(inspectImage(image)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: 'gone in the image is not what was built',
      details: { found: 'none' },
    });
  });

  it.each([
    ['of a later format', { format: 2 }, 'UNSUPPORTED_VERSION'],
    ['without what it must say', { format: 1 }, 'NOT_AN_IMAGE'],
    ['that is no object', [], 'NOT_AN_IMAGE'],
  ])('with a list %s is refused', async (_, list, code) => {
    await write({ manifest: list });
    await expect(inspectImage(image)).rejects.toMatchObject({ code, details: { where: expect.anything() } });
  });
});

describe('what is no ramdisk', () => {
  it.each([
    ['an empty file', Buffer.alloc(0), 'an end at byte 0, in the middle of an entry'],
    ['something else', Buffer.alloc(4096, 'x'), 'no header that begins with 070701'],
  ])('%s', async (_, bytes, found) => {
    await writeFile(image, bytes);
    await expect(inspectImage(image)).rejects.toMatchObject({ code: 'NOT_AN_IMAGE', details: { where: image, found } });
  });

  it('one that is cut, wherever that is', async () => {
    await write();
    const whole = await readFile(image);
    // The last three bytes are padding behind the end.
    for (const length of [50, 111, 5000, whole.length - 200, whole.length - 4]) {
      await writeFile(image, whole.subarray(0, length));
      await expect(inspectImage(image)).rejects.toMatchObject({ code: 'NOT_AN_IMAGE' });
    }
  });

  it('an archive of other files', async () => {
    await writeRamdisk(image, [{ path: 'init', executable: true, content: INIT }]);
    await expect(inspectImage(image)).rejects.toMatchObject({
      code: 'NOT_AN_IMAGE',
      details: { found: 'a cpio archive without manifest.json' },
    });
  });

  it('a file that is not there', async () => {
    await expect(inspectImage(join(folder, 'none'))).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });
});
