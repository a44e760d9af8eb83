import { truncateSync } from 'node:fs';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lockStubdomRole } from '../../../../src/agents/role-lock.js';
import { PreAttachedDisk } from '../../../../src/agents/stubdom/pre-attached-disk.js';
import type { Dom0Requests } from '../../../../src/agents/stubdom/requested-disk.js';
import type { StubferryError } from '../../../../src/base/errors/index.js';
import { encodePreAttachment } from '../../../../src/formats/protocol/request.js';
import { NIL_UUID } from '../../../../src/formats/protocol/uuid.js';
import { DEFAULT_TIMEOUTS } from '../../../../src/transfer/ring/index.js';
import { SILENT_LOG } from '../../../support/agents/silent-log.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { SMALL, TRANSFER } from '../../../support/ring/disks.js';
import { formattedImage } from '../../../support/ring/formatted-image.js';

const OTHER = '6f1ed7a2-0c5b-4a2e-9b0f-3d1c8a7e5b43';
const NEVER = '6f1ed7a2-0c5b-4a2e-9b0f-3d1c8a7e5b44';

/** The xenstore key with the announcement. Its watch fires when the test calls {@link fire}. */
class AnnouncementKey {
  #text: string | undefined;
  #isHung = false;
  #fired: () => Promise<unknown> = async () => undefined;

  readonly dom0: Dom0Requests = {
    home: '/local/domain/7',
    xenstore: {
      read: async () => (this.#isHung ? new Promise<never>(() => undefined) : this.#text),
      write: async () => undefined,
      remove: async () => undefined,
      watch: async (path, fired) => {
        this.#fired = async () => fired(path);
        return { close: async () => undefined };
      },
    } as Dom0Requests['xenstore'],
  };

  set(text: string | undefined): void {
    this.#text = text;
  }

  /** After this call reads of the key never end. */
  hang(): void {
    this.#isHung = true;
  }

  fire(): Promise<unknown> {
    return this.#fired();
  }
}

describe('a pre-attached disk', () => {
  const scratch = scratchFolder('/dev/shm');
  let key: AnnouncementKey;
  let preAttached: PreAttachedDisk;
  let disk: string;

  async function made(name: string, transferUuid: string): Promise<string> {
    const path = scratch(name);
    await formattedImage(path, { ...SMALL, transferUuid });
    return path;
  }

  async function watched(timeouts = DEFAULT_TIMEOUTS): Promise<void> {
    key = new AnnouncementKey();
    const expectation = { targetUuid: NIL_UUID, transferUuid: undefined, directions: ['save'] } as const;
    preAttached = await PreAttachedDisk.watch(key.dom0, expectation, {
      ...{ timeouts, signal: new AbortController().signal, onEvent: () => undefined },
      log: SILENT_LOG,
    });
  }

  beforeEach(async () => {
    disk = await made('xvdz', TRANSFER);
    await watched();
  });
  afterEach(() => preAttached.close());

  /** Returns 'free', or the code of the error when the role cannot be locked. */
  async function role(path = disk): Promise<string> {
    try {
      await (await lockStubdomRole(path)).release();
      return 'free';
    } catch (error) {
      return (error as StubferryError).code;
    }
  }

  async function announce(device = disk): Promise<void> {
    key.set(encodePreAttachment({ transferUuid: TRANSFER, device }));
    await key.fire();
  }

  it('is held until a save takes it', async () => {
    await announce();
    expect(await role()).toBe('DISK_LOCKED');
    const held = await preAttached.take();
    expect(held?.superblock.transferUuid).toBe(TRANSFER);
    expect(await role()).toBe('DISK_LOCKED');
    await held?.release();
    expect(await role()).toBe('free');
  });

  it('is released when dom0 withdraws the announcement', async () => {
    await announce();
    key.set(undefined);
    await key.fire();
    expect(await role()).toBe('free');
    expect(await preAttached.take()).toBeUndefined();
  });

  it('is held only after a save that started before the announcement, if the save has not used it', async () => {
    key.set(encodePreAttachment({ transferUuid: TRANSFER, device: disk }));
    expect(await preAttached.take()).toBeUndefined();
    await key.fire();
    expect(await role()).toBe('free');
    preAttached.resume(undefined);
    await key.fire();
    expect(await role()).toBe('DISK_LOCKED');
  });

  it('is not held again when its transfer has finished and its announcement still exists', async () => {
    await announce();
    await (await preAttached.take())?.release();
    preAttached.resume(TRANSFER);
    await key.fire();
    expect(await role()).toBe('free');
  });

  it('does not delay a save when it does not appear', async () => {
    const processed = announce(scratch('never'));
    expect(await preAttached.take()).toBeUndefined();
    await processed;
  });

  it('fails a save with DISK_HUNG and can still be closed when xenstore does not reply', async () => {
    await preAttached.close();
    await watched({ ...DEFAULT_TIMEOUTS, deviceMs: 100 });
    key.hang();
    void key.fire();
    // Now the key is being read.
    await setImmediate();
    await expect(preAttached.take()).rejects.toMatchObject({
      code: 'DISK_HUNG',
      details: { where: '/local/domain/7/data/stubferry/offer', expected: 'a response within 100 ms', found: 'none' },
    });
    await preAttached.close();
  });

  it('is replaced by another disk that is announced while the search for it runs', async () => {
    const processed = announce(scratch('never'));
    // Now the announcement was read.
    await setImmediate();
    await announce();
    await processed;
    expect((await preAttached.take())?.device.path).toBe(disk);
  });

  it('is released and not passed to the save when it cannot be read', async () => {
    await announce();
    truncateSync(disk, 0);
    expect(await preAttached.take()).toBeUndefined();
    expect(await role()).toBe('free');
  });

  it('is unlocked for every save that requests it, in any order of announcements, watch events and saves', async () => {
    const other = { path: await made('xvdy', OTHER), transferUuid: OTHER };
    const disks = [{ path: disk, transferUuid: TRANSFER }, other, { path: scratch('never'), transferUuid: NEVER }];
    const step = fc.oneof(
      fc.constantFrom('announce 0', 'announce 1', 'announce 2', 'withdraw', 'fire', 'pause'),
      fc.constantFrom('save', 'save over 0', 'save over 1'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        await preAttached.close();
        await watched();
        for (const [verb, ...rest] of steps.map((one) => one.split(' '))) {
          const named = disks[Number(rest.at(-1))];
          if (verb === 'announce' && named !== undefined)
            key.set(encodePreAttachment({ transferUuid: named.transferUuid, device: named.path }));
          if (verb === 'withdraw') key.set(undefined);
          if (verb === 'fire') void key.fire();
          if (verb === 'pause') await delay(1);
          if (verb !== 'save') continue;
          const held = await preAttached.take();
          // A watch event during the save.
          await key.fire();
          // Only the disk that the save has taken is locked.
          for (const { path } of disks.slice(0, 2))
            expect(await role(path)).toBe(path === held?.device.path ? 'DISK_LOCKED' : 'free');
          await held?.release();
          preAttached.resume(held?.superblock.transferUuid ?? named?.transferUuid);
        }
        await preAttached.close();
        expect([await role(disk), await role(other.path)]).toEqual(['free', 'free']);
      }),
      { numRuns: 200 },
    );
  });
});
