import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../src/base/errors/index.js';
import { GunzipSource } from '../../../src/io/index.js';
import { allOf } from '../../support/io/all-of.js';
import { ChunkedSource } from '../../support/io/chunked-source.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

const unpacked = (bytes: Uint8Array, sizes?: number[]): Promise<Buffer> =>
  allOf(new GunzipSource(new ChunkedSource(bytes, sizes), '/state.gz'));

describe('GunzipSource', () => {
  it.each([0, 1, 4096, 1_000_003])('gives back %i bytes', async (length) => {
    expect((await unpacked(gzipSync(sampleState(length)))).equals(sampleState(length))).toBe(true);
  });

  it.each([[[1]], [[7]], [[4097, 1, 300]]])('takes its input in pieces of %j', async (sizes) => {
    expect((await unpacked(gzipSync(sampleState(3000)), sizes)).equals(sampleState(3000))).toBe(true);
  });

  it('gives back what compresses a thousandfold', async () => {
    const zeros = Buffer.alloc(8 << 20);
    expect((await unpacked(gzipSync(zeros))).equals(zeros)).toBe(true);
  });

  it('gives as few bytes at a time as it is asked for', async () => {
    const source = new GunzipSource(new ChunkedSource(gzipSync(sampleState(1000))), '/state.gz');
    expect((await allOf(source, 3)).equals(sampleState(1000))).toBe(true);
  });

  it('closes what it reads from', async () => {
    const inner = new ChunkedSource(gzipSync(sampleState(10)));
    await new GunzipSource(inner, '/state.gz').close();
    expect(inner.closed).toBe(true);
  });
});

describe('GunzipSource refuses', () => {
  const packed = gzipSync(sampleState(3000));

  it.each([3, 12, 1000, packed.length - 8, packed.length - 1])('a stream cut off after %i bytes', async (length) => {
    await expect(unpacked(packed.subarray(0, length))).rejects.toMatchObject({
      code: 'TRUNCATED',
      message: 'the gzip stream is not whole',
      details: { where: '/state.gz', found: 'unexpected end of file' },
    });
  });

  it.each([
    ['a wrong magic', 0, 'incorrect header check'],
    ['another method', 2, 'unknown compression method'],
    ['a wrong checksum', packed.length - 8, 'incorrect data check'],
    ['a wrong length', packed.length - 4, 'incorrect length check'],
  ])('a stream with %s', async (_, place, found) => {
    const damaged = Buffer.from(packed);
    damaged.writeUInt8(damaged.readUInt8(place) ^ 0x40, place);
    await expect(unpacked(damaged)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: 'the gzip stream is not whole',
      details: { where: '/state.gz', found },
    });
  });

  it('a stream with something after its end', async () => {
    await expect(unpacked(Buffer.concat([packed, Buffer.from('more')]))).rejects.toMatchObject({
      code: 'CORRUPT',
      message: 'the gzip stream is not whole',
    });
  });

  it('with the error of the source where that is what fails', async () => {
    const inner = new ChunkedSource(packed);
    const failure = new StubferryError('INPUT_UNREADABLE', 'cannot read the input');
    inner.read = () => Promise.reject(failure);
    await expect(allOf(new GunzipSource(inner, '/state.gz'))).rejects.toBe(failure);
  });
});
