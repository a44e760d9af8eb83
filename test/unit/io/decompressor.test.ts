import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { StubferryError } from '../../../src/base/errors/index.js';
import type { StateSource } from '../../../src/formats/state-source.js';
import { compressionOf, unpack } from '../../../src/io/index.js';
import { childrenOf } from '../../support/cli/run-stubferry.js';
import { allOf } from '../../support/io/all-of.js';
import { ChunkedSource } from '../../support/io/chunked-source.js';
import { rejectionOf } from '../../support/statefile/rejection-of.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

// Many processes, on a machine that may be busy.
jest.setTimeout(180_000);

const WHERE = '/state';
const STATE = sampleState(300_000);
const packed = (program: string, bytes: Uint8Array): Buffer =>
  execFileSync(program, ['-cq'], { input: bytes, maxBuffer: 64 << 20 });

describe.each(['xz', 'zstd'] as const)('a source compressed with %s', (program) => {
  const file = packed(program, STATE);
  const source = (bytes: Uint8Array, sizes?: number[]): StateSource =>
    unpack(program, new ChunkedSource(bytes, sizes), WHERE);

  it('is told by its first bytes', () => {
    expect(compressionOf(file)).toBe(program);
    expect(compressionOf(file.subarray(1))).toBe(false);
  });

  it.each([[[Number.POSITIVE_INFINITY]], [[4095]], [[1, 70_000]]])('is unpacked from pieces of %j', async (sizes) => {
    expect((await allOf(source(file, sizes))).equals(STATE)).toBe(true);
  });

  it('may be empty, or several joined', async () => {
    expect(await allOf(source(packed(program, new Uint8Array(0))))).toHaveLength(0);
    expect((await allOf(source(Buffer.concat([file, file])))).equals(Buffer.concat([STATE, STATE]))).toBe(true);
  });

  it('is refused when it is cut', async () => {
    for (const length of [20, file.length >> 1, file.length - 1]) {
      expect(await rejectionOf(allOf(source(file.subarray(0, length))))).toMatchObject({
        code: 'TRUNCATED',
        message: `the ${program} stream is not whole`,
        details: { where: WHERE },
      });
    }
  });

  it('is refused when it is damaged', async () => {
    const damaged = Buffer.from(file);
    damaged.fill(0xee, 1000, 1100);
    expect(await rejectionOf(allOf(source(damaged)))).toMatchObject({
      code: 'CORRUPT',
      message: `the ${program} stream is not whole`,
      details: { where: WHERE, found: expect.stringMatching(/corrupt|error/) },
    });
  });

  it('gives what its own source fails with', async () => {
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
    expect(await rejectionOf(allOf(unpack(program, failing, WHERE)))).toBe(failure);
  });

  it('leaves no process behind when it is closed early, also twice', async () => {
    const inner = new ChunkedSource(packed(program, Buffer.alloc(50 << 20)));
    // What ran in jest's process before may have left its own.
    const before = childrenOf(process.pid);
    const programs = (): number[] => childrenOf(process.pid).filter((pid) => !before.includes(pid));
    const unpacked = unpack(program, inner, WHERE);
    await unpacked.read(new Uint8Array(10));
    expect(programs()).toHaveLength(1);
    await unpacked.close();
    await unpacked.close();
    expect(inner.closed).toBe(true);
    expect(programs()).toEqual([]);
  });
});

describe('without the program', () => {
  const { PATH } = process.env;
  afterEach(() => {
    process.env['PATH'] = PATH;
  });

  it('it is said which one is missing, and how to get it', async () => {
    const file = packed('xz', STATE);
    process.env['PATH'] = '/nonexistent';
    const inner = new ChunkedSource(file);
    const unpacked = unpack('xz', inner, WHERE);
    expect(await rejectionOf(allOf(unpacked))).toMatchObject({
      code: 'UNPACKER_ABSENT',
      message: 'cannot run xz, which unpacks this input',
      details: {
        where: WHERE,
        expected: 'the program xz',
        found: 'ENOENT',
        hint: 'install it (apt-get install xz-utils), or give the input unpacked',
      },
    });
    await unpacked.close();
    expect(inner.closed).toBe(true);
  });
});
