/** Extracting the ELF file that Xen's domain builder loads from Debian's bzImage. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { extractKernel, findKernel, payloadOf } from '../../../src/image/kernel.js';
import { kernelWith } from '../../support/elf/elf-builder.js';
import { scratchDirectory, treeOf } from '../../support/image/elf-tree.js';
import { errorOf } from '../../support/protocol/error-of.js';

const { signal } = new AbortController();
const ELF = kernelWith([['Xen', 1]]);
const SETUP_SECTORS = 3;

/** @param payload follows the first 16 bytes of the protected-mode code */
function bzImageWith(payload: Buffer, version = 0x20f): Buffer {
  const setup = Buffer.alloc((SETUP_SECTORS + 1) * 512);
  setup[0x1f1] = SETUP_SECTORS;
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt16LE(version, 0x206);
  setup.writeUInt32LE(16, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(16), payload, Buffer.alloc(32)]);
}

function withSize(compressed: Buffer, size: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  return Buffer.concat([compressed, length]);
}

async function extract(image: Buffer): Promise<Buffer> {
  const tree = await treeOf({ '/boot/vmlinuz-6.1': image, '/usr/lib/modules/6.1/modules.order': '' });
  const scratch = await scratchDirectory();
  await extractKernel(await findKernel(tree, undefined), join(scratch, 'kernel'), scratch, signal);
  return readFile(join(scratch, 'kernel'));
}

describe('a bzImage', () => {
  it('contains a compressed kernel, and its size', () => {
    const payload = withSize(Buffer.from('28b52ffd00112233', 'hex'), 1234);
    expect(payloadOf(bzImageWith(payload), 'vmlinuz')).toEqual({ compressed: payload.subarray(0, -4), size: 1234 });
  });

  it('takes the size from the gzip format when it is compressed by gzip', async () => {
    expect(await extract(bzImageWith(gzipSync(ELF)))).toEqual(ELF);
  });

  it.each([
    ['not a bzImage', Buffer.alloc(1024), 'something else'],
    ['too short', bzImageWith(Buffer.alloc(8)).subarray(0, 300), 'something else'],
    ['of a boot protocol before 2.08', bzImageWith(Buffer.alloc(8), 0x207), 'something else'],
    ['truncated', bzImageWith(Buffer.alloc(4096)).subarray(0, 4096), '4096 bytes'],
  ])('is refused when it is %s', (_, image, found) => {
    expect(errorOf(() => payloadOf(image, 'vmlinuz'))).toMatchObject({
      code: 'UNFIT_PARTS',
      details: { where: 'vmlinuz', found },
    });
  });

  it('is refused before decompression when it claims a kernel of 4 GiB', () => {
    const payload = withSize(Buffer.from('28b52ffd', 'hex'), 0xffffffff);
    expect(errorOf(() => payloadOf(bzImageWith(payload), 'vmlinuz'))).toMatchObject({ code: 'UNFIT_PARTS' });
  });

  it('is refused when its compression is not supported', async () => {
    await expect(extract(bzImageWith(withSize(Buffer.from('425a6839', 'hex'), 100)))).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { expected: 'a kernel compressed by gzip, xz, zstd or lz4' },
    });
  });

  it('is refused when the decompressed size differs from the stated size', async () => {
    const changed = Buffer.concat([gzipSync(ELF).subarray(0, -4), Buffer.from([1, 0, 0, 0])]);
    await expect(extract(bzImageWith(changed))).rejects.toThrow();
  });

  it('is refused when Xen cannot start the kernel as a PV domain', async () => {
    await expect(extract(bzImageWith(gzipSync(kernelWith([['Linux', 257]]))))).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { expected: 'a kernel for amd64 that starts as a PV domain of Xen (CONFIG_XEN_PV)' },
    });
  });
});

describe('the kernel of an image', () => {
  const files = {
    '/boot/vmlinuz-6.1.0-9-amd64': '',
    '/boot/vmlinuz-6.1.0-12-amd64': '',
    '/usr/lib/modules/6.1.0-9-amd64/modules.order': '',
    '/lib/modules/6.1.0-12-amd64/modules.order': '',
    '/lib/modules/6.1.0-13-amd64/modules.order': '',
  };

  it('is the newest one with modules by default', async () => {
    expect((await findKernel(await treeOf(files), undefined)).release).toBe('6.1.0-12-amd64');
  });

  it('is the requested release', async () => {
    expect((await findKernel(await treeOf(files), '6.1.0-9-amd64')).bzImage.path).toBe('/boot/vmlinuz-6.1.0-9-amd64');
  });

  it('is PACKAGE_MISSING when the release does not exist', async () => {
    await expect(findKernel(await treeOf(files), '6.1.0-13-amd64')).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      details: { where: '/boot/vmlinuz-6.1.0-13-amd64' },
    });
  });
});
