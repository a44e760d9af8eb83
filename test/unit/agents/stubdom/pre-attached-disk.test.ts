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

/** One key of xenstore, whose watch fires when the test says so: the real one fires when it likes. */
class OfferKey {
  #text: string | undefined;
  #isMute = false;
  #fired: () => Promise<unknown> = async () => undefined;

  readonly dom0: Dom0Requests = {
    home: '/local/domain/7',
    xenstore: {
      read: async () => (this.#isMute ? new Promise<never>(() => undefined) : this.#text),
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

  /** It is not answered any more. */
  mute(): void {
    this.#isMute = true;
  }

  fire(): Promise<unknown> {
    return this.#fired();
  }
}

describe('a disk that dom0 offers', () => {
  const scratch = scratchFolder('/dev/shm');
  let key: OfferKey;
  let offers: PreAttachedDisk;
  let disk: string;

  async function made(name: string, transferUuid: string): Promise<string> {
    const path = scratch(name);
    await formattedImage(path, { ...SMALL, transferUuid });
    return path;
  }

  async function watched(timeouts = DEFAULT_TIMEOUTS): Promise<void> {
    key = new OfferKey();
    const expectation = { targetUuid: NIL_UUID, transferUuid: undefined, directions: ['save'] } as const;
    offers = await PreAttachedDisk.watch(key.dom0, expectation, {
      ...{ timeouts, signal: new AbortController().signal, onEvent: () => undefined },
      log: SILENT_LOG,
    });
  }

  beforeEach(async () => {
    disk = await made('xvdz', TRANSFER);
    await watched();
  });
  afterEach(() => offers.close());

  /** 'free', or the code that locking the role is refused with. */
  async function role(path = disk): Promise<string> {
    try {
      await (await lockStubdomRole(path)).release();
      return 'free';
    } catch (error) {
      return (error as StubferryError).code;
    }
  }

  async function offered(device = disk): Promise<void> {
    key.set(encodePreAttachment({ transferUuid: TRANSFER, device }));
    await key.fire();
  }

  it('is held until the save takes it', async () => {
    await offered();
    expect(await role()).toBe('DISK_LOCKED');
    const held = await offers.take();
    expect(held?.superblock.transferUuid).toBe(TRANSFER);
    expect(await role()).toBe('DISK_LOCKED');
    await held?.release();
    expect(await role()).toBe('free');
  });

  it('is let go of when dom0 takes the offer back', async () => {
    await offered();
    key.set(undefined);
    await key.fire();
    expect(await role()).toBe('free');
    expect(await offers.take()).toBeUndefined();
  });

  it('is left to the save that has come before the offer was heard of, and held when that save has not used it', async () => {
    key.set(encodePreAttachment({ transferUuid: TRANSFER, device: disk }));
    expect(await offers.take()).toBeUndefined();
    await key.fire();
    expect(await role()).toBe('free');
    offers.resume(undefined);
    await key.fire();
    expect(await role()).toBe('DISK_LOCKED');
  });

  it('is not held again when its transfer is over and the offer not yet withdrawn', async () => {
    await offered();
    await (await offers.take())?.release();
    offers.resume(TRANSFER);
    await key.fire();
    expect(await role()).toBe('free');
  });

  it('is not waited for by a save when it does not come', async () => {
    const looking = offered(scratch('never'));
    expect(await offers.take()).toBeUndefined();
    await looking;
  });

  it('keeps no save waiting for ever, whatever what is done with it waits for, nor the end', async () => {
    await offers.close();
    await watched({ ...DEFAULT_TIMEOUTS, deviceMs: 100 });
    key.mute();
    void key.fire();
    // It is read by then.
    await setImmediate();
    await expect(offers.take()).rejects.toMatchObject({
      code: 'DISK_HUNG',
      details: { where: '/local/domain/7/data/stubferry/offer', expected: 'an answer within 100 ms', found: 'none' },
    });
    await offers.close();
  });

  it('is not waited for any more when another one is offered', async () => {
    const looking = offered(scratch('never'));
    // It is read by then.
    await setImmediate();
    await offered();
    await looking;
    expect((await offers.take())?.device.path).toBe(disk);
  });

  it('is let go of, and another one asked for, when it can no longer be read', async () => {
    await offered();
    truncateSync(disk, 0);
    expect(await offers.take()).toBeUndefined();
    expect(await role()).toBe('free');
  });

  it('is free for a save that asks for it, in whatever order offers, news of them and saves come', async () => {
    const other = { path: await made('xvdy', OTHER), transferUuid: OTHER };
    const disks = [{ path: disk, transferUuid: TRANSFER }, other, { path: scratch('never'), transferUuid: NEVER }];
    const step = fc.oneof(
      fc.constantFrom('offer 0', 'offer 1', 'offer 2', 'withdraw', 'hear', 'let pass'),
      fc.constantFrom('save', 'save over 0', 'save over 1'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        await offers.close();
        await watched();
        for (const [verb, ...words] of steps.map((one) => one.split(' '))) {
          const named = disks[Number(words.at(-1))];
          if (verb === 'offer' && named !== undefined)
            key.set(encodePreAttachment({ transferUuid: named.transferUuid, device: named.path }));
          if (verb === 'withdraw') key.set(undefined);
          if (verb === 'hear') void key.fire();
          if (verb === 'let') await delay(1);
          if (verb !== 'save') continue;
          const held = await offers.take();
          // News that come while it lasts.
          await key.fire();
          // Nobody but the one that was taken is locked.
          for (const { path } of disks.slice(0, 2))
            expect(await role(path)).toBe(path === held?.device.path ? 'DISK_LOCKED' : 'free');
          await held?.release();
          offers.resume(held?.superblock.transferUuid ?? named?.transferUuid);
        }
        await offers.close();
        expect([await role(disk), await role(other.path)]).toEqual(['free', 'free']);
      }),
      { numRuns: 200 },
    );
  });
});
