/** The saves of the proxy run one after the other, and the wait for the previous save has a limit. */
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

/** A dom0 that never replies, and a xenstore in which the removal of a request never ends. */
class SilentDom0 {
  #onWithdraw: () => void = () => undefined;
  /** Resolves when the agent withdraws a request. */
  readonly withdrawing = new Promise<void>((resolve) => {
    this.#onWithdraw = resolve;
  });

  readonly requests: Dom0Requests = {
    home: '/local/domain/7',
    xenstore: {
      read: async () => undefined,
      write: async () => undefined,
      remove: () => {
        this.#onWithdraw();
        return new Promise(() => undefined);
      },
      watch: async () => ({ close: async () => undefined }),
    } as Dom0Requests['xenstore'],
  };
}

const REFUSING: Monitor = {
  path: '/run/qmp.sock',
  qemuVersion: '7.2.0',
  execute: async () => Promise.reject(new StubferryError('QEMU_REFUSED', 'it cannot be saved')),
};

function saveRequest(): SaveRequest {
  return { monitor: REFUSING, args: {}, signal: new AbortController().signal };
}

describe('a save through the proxy', () => {
  const scratch = scratchFolder();

  it('fails when the previous save never releases its disk, which makes the agent unusable', async () => {
    const dom0 = new SilentDom0();
    const provenance = { targetUuid: NIL_UUID, targetDomid: 0, qemuVersion: '', machineType: '' };
    const job = { qmp: REFUSING.path, disk: dom0.requests, provenance, sha256: false, fifoDir: scratch('') };
    const saves = await ProxySaves.prepare(job, {
      timeouts: { ...DEFAULT_TIMEOUTS, deviceMs: 300 },
      signal: new AbortController().signal,
      onEvent: () => undefined,
      log: SILENT_LOG,
    });
    void saves.run(saveRequest());
    await dom0.withdrawing;
    const hung = await rejectionOf(saves.run(saveRequest()));
    expect(hung).toMatchObject({
      code: 'DISK_HUNG',
      message: 'the transfer disk does not respond',
      details: { where: 'the disk of the last save', expected: 'a response within 300 ms', found: 'none' },
    });
    expect(await rejectionOf(saves.unusable)).toBe(hung);
    await saves.close();
  });
});
