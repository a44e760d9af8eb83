/**
 * The order of the steps of a transfer, and the order in which their resources are released. The end-to-end tests and
 * the simulator test the real steps.
 */
import { describe, expect, it } from '@jest/globals';
import { carryOut, type Prepare, TransferLifecycle } from '../../../src/agents/transfer-lifecycle.js';
import { StubferryError } from '../../../src/base/errors/index.js';
import { DEFAULT_TIMEOUTS } from '../../../src/transfer/ring/index.js';
import { SILENT_LOG } from '../../support/agents/silent-log.js';

const refused = new StubferryError('DISK_NO_SPACE', 'the disk is full');

function context(signal = new AbortController().signal) {
  return { timeouts: DEFAULT_TIMEOUTS, signal, onEvent: () => undefined, log: SILENT_LOG };
}

/** Steps that append their actions to `log`. The step `failing` throws. */
function steps(log: string[], failing?: 'prepare' | 'attach'): Prepare {
  return async (resources) => {
    resources.add('directory', async () => log.push('release directory'));
    log.push('prepare');
    if (failing === 'prepare') throw refused;
    resources.add('endpoint', async () => log.push('release endpoint'));
    return async (stack) => {
      log.push('attach');
      if (failing === 'attach') throw refused;
      stack.add('disk', async () => log.push('release disk'));
      throw new Error('there is no disk in this test');
    };
  };
}

describe('a transfer', () => {
  it('whose endpoint cannot be opened makes no disk, and releases what it has acquired', async () => {
    const log: string[] = [];
    await expect(carryOut(new TransferLifecycle(steps(log, 'prepare'), SILENT_LOG), context())).rejects.toBe(refused);
    expect(log).toEqual(['prepare', 'release directory']);
  });

  it('whose disk cannot be attached releases its endpoint', async () => {
    const log: string[] = [];
    await expect(carryOut(new TransferLifecycle(steps(log, 'attach'), SILENT_LOG), context())).rejects.toBe(refused);
    expect(log).toEqual(['prepare', 'attach', 'release endpoint', 'release directory']);
  });

  it('releases the disk before the endpoint', async () => {
    const log: string[] = [];
    await expect(carryOut(new TransferLifecycle(steps(log), SILENT_LOG), context())).rejects.toThrow(
      'there is no disk',
    );
    expect(log.slice(2)).toEqual(['release disk', 'release endpoint', 'release directory']);
  });

  it('that has failed cannot run', async () => {
    const lifecycle = new TransferLifecycle(steps([], 'prepare'), SILENT_LOG);
    await expect(lifecycle.begin(context())).rejects.toBe(refused);
    expect(lifecycle.phase).toBe('failed');
    await expect(lifecycle.run(context())).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('cannot run before it has a disk', async () => {
    const lifecycle = new TransferLifecycle(steps([]), SILENT_LOG);
    await expect(lifecycle.run(context())).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('cannot begin twice', async () => {
    const log: string[] = [];
    const lifecycle = new TransferLifecycle(steps(log, 'attach'), SILENT_LOG);
    await expect(lifecycle.begin(context())).rejects.toBe(refused);
    await expect(lifecycle.begin(context())).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(log.filter((step) => step === 'prepare')).toHaveLength(1);
  });

  it('ends in the phase released, and releases each resource once', async () => {
    const log: string[] = [];
    const lifecycle = new TransferLifecycle(steps(log, 'attach'), SILENT_LOG);
    await expect(lifecycle.begin(context())).rejects.toBe(refused);
    await Promise.all([lifecycle.release(), lifecycle.release()]);
    expect([lifecycle.phase, lifecycle.isCommitted, log.slice(2)]).toEqual([
      'released',
      false,
      ['release endpoint', 'release directory'],
    ]);
  });

  it('logs a resource that could not be released, and rejects with its own error', async () => {
    const warnings: object[] = [];
    const log = { ...SILENT_LOG, warn: (fields: object) => void warnings.push(fields) };
    const prepare: Prepare = async (resources) => {
      resources.add('the disk', () => Promise.reject(new Error('it hangs')));
      throw refused;
    };
    await expect(carryOut(new TransferLifecycle(prepare, log), context())).rejects.toBe(refused);
    expect(warnings).toEqual([expect.objectContaining({ resource: 'the disk' })]);
  });
});
