import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { readQevm } from '../../../../src/formats/qevm/index.js';
import { checkState } from '../../../../src/states/containers/index.js';
import { CountedFile } from '../../../support/containers/counted-file.js';
import { WHERE } from '../../../support/pull-parser/parsed.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';

const FIXTURES = fileURLToPath(new URL('../../../../fixtures/', import.meta.url));
const STATE = readFileSync(`${FIXTURES}xen-states/xen-minimal.qevm`);

const check = (bytes: Uint8Array, offset = 0) => checkState(new CountedFile(bytes), WHERE, offset);

describe('a device state with inferred section boundaries', () => {
  it('is complete', async () => {
    expect(await check(STATE)).toMatchObject({ bytes: 6674, split: 'inferred' });
    expect(readQevm(STATE, WHERE).sections.at(-1)).toMatchObject({ name: '0000:00:02.0/platform', bodyLength: 277 });
  });

  it('is refused when its last section is truncated, even where it happens to end in 0x00', async () => {
    const zeros = [];
    for (let length = STATE.length - 70; length < STATE.length; length += 1) {
      const error = await rejectionOf(check(STATE.subarray(0, length)));
      expect(error.code).toBe('TRUNCATED');
      if (STATE[length - 1] === 0) zeros.push(error);
    }
    expect(zeros.length).toBeGreaterThan(30);
    expect(zeros.at(-1)).toMatchObject({
      message: 'the QEMU state is truncated',
      details: {
        ...{ where: WHERE, offset: STATE.length - 1, found: '276 bytes' },
        expected: 'at least 277 bytes of 0000:00:02.0/platform, and the end mark',
      },
    });
  });

  it('reports offsets in the file that contains the state', async () => {
    expect(await rejectionOf(check(STATE.subarray(0, -2), 1000))).toMatchObject({
      code: 'TRUNCATED',
      details: { where: WHERE, offset: 1000 + STATE.length - 2 },
    });
  });

  it('is refused when it is truncated at most other offsets', async () => {
    let [accepted, truncations] = [0, 0];
    for (let length = 0; length < STATE.length; length += 7) {
      truncations += 1;
      const outcome = await check(STATE.subarray(0, length)).catch((error: unknown) => error);
      if (outcome instanceof StubferryError) expect(['TRUNCATED', 'CORRUPT', 'NOT_A_STATE']).toContain(outcome.code);
      else accepted += 1;
    }
    // A truncation is accepted only within a section body of variable length.
    expect(accepted).toBeLessThan(truncations / 3);
  });
});

describe('a state that is read synchronously', () => {
  /** A file of which each read blocks the event loop for a millisecond. */
  class BusyFile extends CountedFile {
    override readAt(into: Uint8Array, offset: number): Promise<number> {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return super.readAt(into, offset);
    }
  }

  it('lets timers, for example heartbeats, run during the read', async () => {
    const front = STATE.subarray(0, 64);
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 5);
    const large = new Uint8Array(100 * 64 * 1024);
    large.set(front);
    await checkState(new BusyFile(large), WHERE).catch(() => undefined);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
  });
});
