/** A stubdom that an attacker owns can make its own transfer fail, within limits, and can do nothing else to dom0. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { decodeReply, encodeDiskRequest, REPLY_KEY, REQUEST_KEY } from '../../../src/formats/protocol/request.js';
import type { TransferView } from '../../../src/service/index.js';
import { XenstoreClient } from '../../../src/xen/xenstore/index.js';
import type { Agent } from '../../support/agents/agent.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { documentOf, stubferry } from '../../support/cli/run-stubferry.js';
import { SEED, SeededRandom, withSeed } from '../../support/cli/seeded-random.js';
import { type Pair, ServiceStage, untilReplied } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

jest.setTimeout(120_000);

const STATE = 'fixtures/device-states/pc-usb.xen.qevm';
const TIMEOUTS = [
  '--attach-timeout',
  '1s',
  '--progress-timeout',
  '2s',
  '--peer-timeout',
  '1s',
  '--transfer-timeout',
  '20s',
];
const SMALL = ['--ring', '1M', '--frame', '64K', '--max-state', '4M'];

/** The maximum resident memory of the service during all attacks, in MiB. Node itself takes about 60 MiB. */
const MAX_MIB = 200;

describeWith(XENSTORED, 'a stubdom that an attacker owns', () => {
  let stage: ServiceStage;
  let service: Agent;
  let pair: Pair;
  let domain: XenstoreClient;
  beforeEach(async () => {
    stage = await ServiceStage.open();
    service = await stage.service(...TIMEOUTS, ...SMALL);
    pair = await stage.pair(7, 3);
    domain = await XenstoreClient.connect({ path: pair.xenbus });
  });
  afterEach(async () => {
    await domain.close();
    await stage.close();
  });

  async function transfers(): Promise<TransferView[]> {
    return documentOf<{ transfers: TransferView[] }>(
      await stubferry(['transfers', '--json', '--control', stage.control]),
    ).transfers;
  }

  async function untilEnded(count: number): Promise<TransferView[]> {
    for (;;) {
      const ended = (await transfers()).filter(({ phase }) => phase === 'detached');
      if (ended.length >= count) return ended;
      await delay(50);
    }
  }

  /** Requests a disk. @returns the path of the image that dom0 made for it */
  async function requestImage(direction: 'save' | 'restore' = 'save'): Promise<string> {
    const nonce = randomUUID();
    await domain.write(REQUEST_KEY, encodeDiskRequest({ direction, nonce }));
    const reply = decodeReply(await untilReplied(stage, 7, nonce), REPLY_KEY);
    if (reply.verdict !== 'attached') throw new Error(reply.reason);
    return reply.device;
  }

  /** Checks after an attack that another save succeeds, that no orphans remain and that the service did not grow. */
  async function expectUnharmed(attack: string): Promise<void> {
    const { exit, error } = await stage.stubdom(await stage.pair(8, 4), '--source', STATE).end;
    expect([exit, error]).toEqual([0, undefined]);
    await stage.untilIdle();
    expect(await stage.remaining()).toEqual([]);
    process.stderr.write(`${attack}: the service used at most ${Math.round(service.peakMiB())} MiB\n`);
    expect(service.peakMiB()).toBeLessThan(MAX_MIB);
  }

  it('loses its transfer when it requests a disk and never uses it', async () => {
    await requestImage();
    const [view] = await untilEnded(1);
    expect(view?.error).toMatchObject({ code: 'PEER_ABSENT' });
    expect(stage.saved(3)).toBeUndefined();
    await expectUnharmed('a request without a transfer');
  });

  it('gets a few disks, one after the other, for 2000 requests', async () => {
    for (let count = 0; count < 2000; count += 1)
      await domain.write(REQUEST_KEY, encodeDiskRequest({ direction: 'save', nonce: randomUUID() }));
    const status = await stubferry(['status', '--json', '--control', stage.control]);
    expect(documentOf<{ status: { underWay: number } }>(status).status.underWay).toBeLessThanOrEqual(1);
    const directories = readdirSync(stage.path('run')).filter((name) => name.length === 36);
    expect(directories.length).toBeLessThanOrEqual(1);
    await domain.remove(REQUEST_KEY);
    await stage.untilIdle();
    expect((await transfers()).length).toBeLessThan(32);
    await expectUnharmed('2000 requests');
  });

  it.each([
    ['an empty value', ''],
    ['as much as xenstored accepts', 'x'.repeat(1900)],
    ['zeros and terminal escapes', '\u001b[2J save \u0007'],
    ['a request with a path as the nonce', 'stubferry/1 save ../../../../etc/passwd'],
  ])('gets no reply when it writes %s as its request', async (attack, text) => {
    await domain.write(REQUEST_KEY, text);
    await expectUnharmed(attack);
    expect(await stage.xenstore.read(`/local/domain/7/${REPLY_KEY}`)).toBeUndefined();
  });

  it('cannot write a request of 1 MiB, because xenstored refuses it', async () => {
    await expect(domain.write(REQUEST_KEY, 'x'.repeat(1024 * 1024))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expectUnharmed('a request of 1 MiB');
  });

  it('loses its transfer when it keeps writing random blocks to its disk', async () => {
    await withSeed(SEED, 'random blocks', async () => {
      const random = new SeededRandom(SEED);
      const disk = openSync(await requestImage(), 'r+');
      let isOver = false;
      const ended = untilEnded(1).finally(() => {
        isOver = true;
      });
      while (!isOver) {
        for (let count = 0; count < 64; count += 1)
          writeSync(disk, random.bytes(4096), 0, 4096, 4096 * random.below(272));
        await delay(1);
      }
      closeSync(disk);
      const [view] = await ended;
      expect(view?.error?.code).toMatch(
        /^(PEER_ABSENT|PEER_DEAD|NO_PROGRESS|FRAME_CORRUPT|TORN|DISK_LOCKED|PROTOCOL_VIOLATION)$/,
      );
      expect(stage.saved(3)).toBeUndefined();
      await expectUnharmed('random blocks');
    });
  });

  it('is refused at the limit when it sends too large a state', async () => {
    const big = stage.path('big');
    writeFileSync(big, Buffer.alloc(5 * 1024 * 1024, 1));
    const { error } = await stage.stubdom(await stage.pair(9, 5), '--source', big, '--opaque').end;
    expect(error?.code).toBe('LIMIT_EXCEEDED');
    expect(stage.saved(5)).toBeUndefined();
    await expectUnharmed('too large a state');
  });

  it('ends its transfer when it is destroyed in the middle of it', async () => {
    await requestImage();
    await stage.xenstored.release(7);
    await stage.xenstore.remove('/local/domain/7');
    const [view] = await untilEnded(1);
    expect(view?.error?.code).toMatch(/^(PEER_DEAD|PEER_ABSENT)$/);
    await expectUnharmed('a destroyed stubdom');
  });

  it('cannot make dom0 follow a link at the destination', async () => {
    writeFileSync(stage.path('victim'), 'precious');
    symlinkSync(stage.path('victim'), stage.path('state/qemu-save.5'));
    const { exit } = await stage.stubdom(await stage.pair(9, 5), '--source', STATE).end;
    expect(exit).toBe(0);
    expect(statSync(stage.path('victim')).size).toBe('precious'.length);
  });
});
