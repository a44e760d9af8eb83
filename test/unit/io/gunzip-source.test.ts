import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../src/base/errors/index.js';
import { GunzipSource } from '../../../src/io/index.js';
import { allOf } from '../../support/io/all-of.js';
import { ChunkedSource } from '../../support/io/chunked-source.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

const decompressed = (bytes: Uint8Array, sizes?: number[]): Promise<Buffer> =>
  allOf(new GunzipSource(new ChunkedSource(bytes, sizes), '/state.gz'));

describe('GunzipSource', () => {
  it.each([0, 1, 4096, 1_000_003])('returns the original %i bytes', async (length) => {
    expect((await decompressed(gzipSync(sampleState(length)))).equals(sampleState(length))).toBe(true);
  });

  it.each([[[1]], [[7]], [[4097, 1, 300]]])('reads its input in chunks of %j bytes', async (sizes) => {
    expect((await decompressed(gzipSync(sampleState(3000)), sizes)).equals(sampleState(3000))).toBe(true);
  });

  it('returns data that compresses to a thousandth of its size', async () => {
    const zeros = Buffer.alloc(8 << 20);
    expect((await decompressed(gzipSync(zeros))).equals(zeros)).toBe(true);
  });

  it('returns no more bytes than requested', async () => {
    const source = new GunzipSource(new ChunkedSource(gzipSync(sampleState(1000))), '/state.gz');
    expect((await allOf(source, 3)).equals(sampleState(1000))).toBe(true);
  });

  it('closes the source that it reads', async () => {
    const inner = new ChunkedSource(gzipSync(sampleState(10)));
    await new GunzipSource(inner, '/state.gz').close();
    expect(inner.closed).toBe(true);
  });
});

describe('GunzipSource refuses', () => {
  const compressed = gzipSync(sampleState(3000));

  it.each([3, 12, 1000, compressed.length - 8, compressed.length - 1])(
    'a stream that is truncated after %i bytes',
    async (length) => {
      await expect(decompressed(compressed.subarray(0, length))).rejects.toMatchObject({
        code: 'TRUNCATED',
        message: 'the gzip stream is truncated',
        details: { where: '/state.gz', found: 'unexpected end of file' },
      });
    },
  );

  it.each([
    ['a wrong magic', 0, 'incorrect header check'],
    ['another method', 2, 'unknown compression method'],
    ['a wrong checksum', compressed.length - 8, 'incorrect data check'],
    ['a wrong length', compressed.length - 4, 'incorrect length check'],
  ])('a stream with %s', async (_, offset, found) => {
    const damaged = Buffer.from(compressed);
    damaged.writeUInt8(damaged.readUInt8(offset) ^ 0x40, offset);
    await expect(decompressed(damaged)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: 'the gzip stream is corrupt',
      details: { where: '/state.gz', found },
    });
  });

  it('a stream with other bytes after its end', async () => {
    await expect(decompressed(Buffer.concat([compressed, Buffer.from('more')]))).rejects.toMatchObject({
      code: 'CORRUPT',
      message: 'the gzip stream is corrupt',
    });
  });

  it('with the error of the source when the source fails', async () => {
    const inner = new ChunkedSource(compressed);
    const failure = new StubferryError('INPUT_UNREADABLE', 'cannot read the input');
    inner.read = () => Promise.reject(failure);
    await expect(allOf(new GunzipSource(inner, '/state.gz'))).rejects.toBe(failure);
  });
});
