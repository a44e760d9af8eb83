import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../src/base/errors/index.js';
import { SpooledOutput } from '../../../src/io/spooled-output.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

const UUID = '00112233-4455-6677-8899-aabbccddeeff';

/** A destination that records the bytes and calls it receives. */
class Stream {
  readonly #chunks: Uint8Array[] = [];
  opened = 0;
  ended = 0;
  aborted = 0;

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  readonly open = async (): Promise<this> => {
    this.opened += 1;
    return this;
  };

  async write(bytes: Uint8Array): Promise<void> {
    this.#chunks.push(Uint8Array.from(bytes));
  }

  async end(): Promise<void> {
    this.ended += 1;
  }

  abort(): void {
    this.aborted += 1;
  }
}

describe('SpooledOutput', () => {
  const scratch = scratchFolder();
  const directory = (): string => dirname(scratch('x'));
  const spool = (stream: Stream, limit = 4 << 20): Promise<SpooledOutput> =>
    SpooledOutput.open({ directory: directory(), limit, transferUuid: UUID }, stream.open);

  it('writes nothing to the destination before commit, and then everything', async () => {
    const stream = new Stream();
    const output = await spool(stream);
    await output.write([sampleState(10), sampleState(1_500_000)]);
    await output.write([sampleState(7)]);
    expect(stream.opened).toBe(0);
    await output.commit();
    expect(stream.bytes.equals(Buffer.concat([sampleState(10), sampleState(1_500_000), sampleState(7)]))).toBe(true);
    expect(stream).toMatchObject({ opened: 1, ended: 1 });
    expect(await output.discard()).toBe(false);
  });

  it('opens and ends the destination when the state is empty', async () => {
    const stream = new Stream();
    await (await spool(stream)).commit();
    expect(stream).toMatchObject({ opened: 1, ended: 1, bytes: Buffer.alloc(0) });
  });

  it('never opens the destination when it is discarded', async () => {
    const stream = new Stream();
    const output = await spool(stream);
    await output.write([sampleState(10)]);
    expect(await output.discard()).toBe(true);
    expect(await output.discard()).toBe(true);
    expect(stream.opened).toBe(0);
  });

  it('has no name in its directory, so that a killed process leaves nothing behind', async () => {
    const output = await spool(new Stream());
    await output.write([sampleState(10)]);
    expect(readdirSync(directory())).toEqual([]);
    await output.discard();
  });

  it('accepts as many bytes as its limit', async () => {
    const stream = new Stream();
    const output = await spool(stream, 100);
    await output.write([sampleState(60), sampleState(40)]);
    await output.commit();
    expect(stream.bytes).toHaveLength(100);
  });

  it.each([
    ['one chunk', [101]],
    ['two chunks', [60, 41]],
  ])('refuses more than its limit in %s and does not open the destination', async (_, sizes) => {
    const stream = new Stream();
    const output = await spool(stream, 100);
    await expect(output.write(sizes.map(sampleState))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the state is larger than the spool limit',
      details: { where: directory(), expected: 'at most 100 bytes' },
    });
    await output.discard();
    expect(stream.opened).toBe(0);
  });

  it('fails at commit with the error of the destination, and can then be discarded', async () => {
    const gone = new StubferryError('DESTINATION_GONE', 'the FIFO has no reader');
    const options = { directory: directory(), limit: 100, transferUuid: UUID };
    const output = await SpooledOutput.open(options, () => Promise.reject(gone));
    await expect(output.commit()).rejects.toBe(gone);
    expect(await output.discard()).toBe(true);
  });

  it('aborts a blocked destination when it is discarded, and fails its commit with CANCELLED', async () => {
    const stream = new Stream();
    stream.write = () => new Promise(() => undefined);
    const output = await spool(stream);
    await output.write([sampleState(10)]);
    const commit = output.commit();
    expect(await output.discard()).toBe(true);
    await expect(commit).rejects.toMatchObject({ code: 'CANCELLED', message: 'the output was discarded' });
    expect(stream).toMatchObject({ aborted: 1, ended: 0 });
  });

  it('cannot be discarded after the destination has received everything', async () => {
    const stream = new Stream();
    let finish: () => void = () => undefined;
    const output = await spool(stream);
    const streamEnding = new Promise<void>((resolve) => {
      stream.end = () => {
        resolve();
        return new Promise((done) => {
          finish = done;
        });
      };
    });
    await output.write([sampleState(10)]);
    const commit = output.commit();
    await streamEnding;
    const discarded = output.discard();
    finish();
    await commit;
    expect(await discarded).toBe(false);
  });

  it('refuses a directory that does not exist', async () => {
    const options = { directory: scratch('no'), limit: 100, transferUuid: UUID };
    await expect(SpooledOutput.open(options, new Stream().open)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'cannot create or open the destination: ENOENT',
    });
  });

  it('does not write through a symbolic link that exists under its name', async () => {
    writeFileSync(scratch('victim'), 'untouched');
    symlinkSync(scratch('victim'), scratch(`stubferry-spool.${UUID}`));
    await expect(spool(new Stream())).rejects.toMatchObject({ details: { found: 'EEXIST' } });
  });
});
