import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { writeWhole } from '../../../../src/states/conversions/index.js';
import { MemoryOutput } from '../../../support/io/memory-output.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';

const running = new AbortController().signal;

describe('writeWhole', () => {
  it('commits the written bytes', async () => {
    const output = new MemoryOutput();
    await writeWhole(
      async () => output,
      running,
      (into) => into.write([Buffer.from('whole')]),
    );
    expect(Buffer.from(output.bytes).toString()).toBe('whole');
    expect(output.calls).toEqual(['commit']);
  });

  it('discards the output when the work fails', async () => {
    const output = new MemoryOutput();
    const failure = new StubferryError('CORRUPT', 'damaged');
    const work = writeWhole(
      async () => output,
      running,
      async (into) => {
        await into.write([Buffer.from('part')]);
        throw failure;
      },
    );
    expect(await rejectionOf(work)).toBe(failure);
    expect(output.calls).toEqual(['discard']);
  });

  it('discards the output when it is cancelled, even if the work never ends', async () => {
    const output = new MemoryOutput();
    const controller = new AbortController();
    const work = writeWhole(
      async () => output,
      controller.signal,
      () => new Promise(() => undefined),
    );
    const reason = new StubferryError('CANCELLED', 'stopped by SIGINT');
    controller.abort(reason);
    expect(await rejectionOf(work)).toBe(reason);
    expect(output.calls).toEqual(['discard']);
  });
});
