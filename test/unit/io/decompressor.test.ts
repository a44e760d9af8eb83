import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { StubferryError } from '../../../src/base/errors/index.js';
import type { StateSource } from '../../../src/formats/state-source.js';
import { compressionOf, decompress } from '../../../src/io/index.js';
import { childrenOf } from '../../support/cli/run-stubferry.js';
import { allOf } from '../../support/io/all-of.js';
import { ChunkedSource } from '../../support/io/chunked-source.js';
import { rejectionOf } from '../../support/statefile/rejection-of.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

// The tests start many processes, and the machine may be busy.
jest.setTimeout(180_000);

const WHERE = '/state';
const STATE = sampleState(300_000);
const compressed = (program: string, bytes: Uint8Array): Buffer =>
  execFileSync(program, ['-cq'], { input: bytes, maxBuffer: 64 << 20 });

describe.each(['xz', 'zstd'] as const)('a source compressed with %s', (program) => {
  const file = compressed(program, STATE);
  const source = (bytes: Uint8Array, sizes?: number[]): StateSource =>
    decompress(program, new ChunkedSource(bytes, sizes), WHERE);

  it('is recognised by its first bytes', () => {
    expect(compressionOf(file)).toBe(program);
    expect(compressionOf(file.subarray(1))).toBe(false);
  });

  it.each([[[Number.POSITIVE_INFINITY]], [[4095]], [[1, 70_000]]])(
    'is decompressed from chunks of %j bytes',
    async (sizes) => {
      expect((await allOf(source(file, sizes))).equals(STATE)).toBe(true);
    },
  );

  it('may be empty, or consist of several joined streams', async () => {
    expect(await allOf(source(compressed(program, new Uint8Array(0))))).toHaveLength(0);
    expect((await allOf(source(Buffer.concat([file, file])))).equals(Buffer.concat([STATE, STATE]))).toBe(true);
  });

  it('is refused when it is truncated', async () => {
    for (const length of [20, file.length >> 1, file.length - 1]) {
      expect(await rejectionOf(allOf(source(file.subarray(0, length))))).toMatchObject({
        code: 'TRUNCATED',
        message: `the ${program} stream is truncated`,
        details: { where: WHERE },
      });
    }
  });

  it('is refused when it is damaged', async () => {
    const damaged = Buffer.from(file);
    damaged.fill(0xee, 1000, 1100);
    expect(await rejectionOf(allOf(source(damaged)))).toMatchObject({
      code: 'CORRUPT',
      message: `the ${program} stream is corrupt`,
      details: { where: WHERE, found: expect.stringMatching(/corrupt|error/) },
    });
  });

  it('fails with the error of the source that it reads', async () => {
    const inner = new ChunkedSource(file, [1000]);
    const failure = new StubferryError('INPUT_UNREADABLE', 'cannot read the input');
    let reads = 0;
    const failing: StateSource = {
      read: (into) => {
        reads += 1;
        return reads > 3 ? Promise.reject(failure) : inner.read(into);
      },
      close: () => inner.close(),
    };
    expect(await rejectionOf(allOf(decompress(program, failing, WHERE)))).toBe(failure);
  });

  it('leaves no process behind when it is closed early, once or twice', async () => {
    const inner = new ChunkedSource(compressed(program, Buffer.alloc(50 << 20)));
    // Earlier tests in the process of jest may have left child processes.
    const before = childrenOf(process.pid);
    const programs = (): number[] => childrenOf(process.pid).filter((pid) => !before.includes(pid));
    const decompressed = decompress(program, inner, WHERE);
    await decompressed.read(new Uint8Array(10));
    expect(programs()).toHaveLength(1);
    await decompressed.close();
    await decompressed.close();
    expect(inner.closed).toBe(true);
    expect(programs()).toEqual([]);
  });
});

describe('a missing decompressor', () => {
  const { PATH } = process.env;
  afterEach(() => {
    process.env['PATH'] = PATH;
  });

  it('is named in the error, with its Debian package', async () => {
    const file = compressed('xz', STATE);
    process.env['PATH'] = '/nonexistent';
    const inner = new ChunkedSource(file);
    const decompressed = decompress('xz', inner, WHERE);
    expect(await rejectionOf(allOf(decompressed))).toMatchObject({
      code: 'UNPACKER_ABSENT',
      message: 'cannot run xz, which decompresses this input',
      details: {
        where: WHERE,
        expected: 'the program xz',
        found: 'ENOENT',
        hint: expect.stringContaining('apt-get install xz-utils'),
      },
    });
    await decompressed.close();
    expect(inner.closed).toBe(true);
  });
});
