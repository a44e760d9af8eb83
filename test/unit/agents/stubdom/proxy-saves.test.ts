/** The proxy's saves come one after the other, and none waits for ever for the one before it. */
import { describe, expect, it } from '@jest/globals';
import { ProxySaves } from '../../../../src/agents/stubdom/proxy-saves.js';
import type { Dom0Requests } from '../../../../src/agents/stubdom/requested-disk.js';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { NIL_UUID } from '../../../../src/formats/protocol/uuid.js';
import type { SaveRequest } from '../../../../src/qemu/proxy/index.js';
import type { Monitor } from '../../../../src/qemu/qmp/index.js';
import { DEFAULT_TIMEOUTS } from '../../../../src/transfer/ring/index.js';
import { SILENT_LOG } from '../../../support/agents/silent-log.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';

/** dom0 says nothing, and a request to it is never withdrawn: real xenstore answers, or is given up. */
class SilentDom0 {
  #asked: () => void = () => undefined;
  /** Resolves when a request is to be withdrawn. */
  readonly withdrawing = new Promise<void>((resolve) => {
    this.#asked = resolve;
  });

  readonly place: Dom0Requests = {
    home: '/local/domain/7',
    xenstore: {
      read: async () => undefined,
      write: async () => undefined,
      remove: () => {
        this.#asked();
        return new Promise(() => undefined);
      },
      watch: async () => ({ close: async () => undefined }),
    } as Dom0Requests['xenstore'],
  };
}

const REFUSING: Monitor = {
  path: '/run/qmp.sock',
  qemuVersion: '7.2.0',
  ask: async () => Promise.reject(new StubferryError('QEMU_REFUSED', 'it cannot be saved')),
};

function asked(): SaveRequest {
  return { monitor: REFUSING, args: {}, signal: new AbortController().signal };
}

describe('a save through the proxy', () => {
  const scratch = scratchFolder();

  it('fails when the one before it never lets go, which ends the agent', async () => {
    const dom0 = new SilentDom0();
    const provenance = { targetUuid: NIL_UUID, targetDomid: 0, qemuVersion: '', machineType: '' };
    const job = { qmp: REFUSING.path, disk: dom0.place, provenance, sha256: false, fifoDir: scratch('') };
    const saves = await ProxySaves.prepare(job, {
      timeouts: { ...DEFAULT_TIMEOUTS, deviceMs: 300 },
      signal: new AbortController().signal,
      onEvent: () => undefined,
      log: SILENT_LOG,
    });
    void saves.run(asked());
    await dom0.withdrawing;
    const hung = await rejectionOf(saves.run(asked()));
    expect(hung).toMatchObject({
      code: 'DISK_HUNG',
      message: 'the transfer disk does not answer',
      details: { where: 'the disk of the last save', expected: 'an answer within 300 ms', found: 'none' },
    });
    expect(await rejectionOf(saves.worn)).toBe(hung);
    await saves.close();
  });
});
