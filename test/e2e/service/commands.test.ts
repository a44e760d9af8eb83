/** What an administrator asks dom0's agent, and what a toolstack's hook does. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TransferView } from '../../../src/service/index.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { documentOf, failureOf, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { ServiceStage } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

const STATE = 'fixtures/device-states/pc-usb.xen.qevm';

describeWith(XENSTORED, "the commands of dom0's agent", () => {
  let stage: ServiceStage;
  beforeEach(async () => {
    stage = await ServiceStage.open();
  });
  afterEach(() => stage.close());

  const ask = (...args: readonly string[]) => stubferry([...args, '--json', '--control', stage.control]);
  const prepare = async (): Promise<TransferView> =>
    documentOf<{ transfer: TransferView }>(await ask('prepare', '3')).transfer;

  describe('prepare', () => {
    it('makes a disk that the save which follows takes, so that attaching is not in its time', async () => {
      await stage.service();
      const pair = await stage.pair(7, 3);
      const prepared = await prepare();
      expect(prepared).toMatchObject({
        direction: 'save',
        target: 3,
        stubdom: 7,
        phase: expect.stringMatching(/^(attached|ready)$/),
      });
      const agent = stage.stubdom(pair, '--source', STATE);
      expect((await agent.end).exit).toBe(0);
      expect(agent.events).toContainEqual(expect.objectContaining({ event: 'ready', transfer: prepared.transfer }));
      await stage.untilIdle();
      const { timings } = (await stage.transfers()).at(-1) as TransferView;
      expect(timings.attached).toBeLessThan(timings.requested ?? 0);
    });

    it('asked twice has made one', async () => {
      await stage.service();
      await stage.pair(7, 3);
      const { transfer } = await prepare();
      expect(await prepare()).toMatchObject({ transfer });
    });

    it('refuses a target that has no stubdom', async () => {
      await stage.service();
      expect(failureOf(await ask('prepare', '3'))).toMatchObject({
        code: 'NOT_A_DEVICE_MODEL',
        where: '/local/domain/3/image/device-model-domid',
        expected: 'a key that the toolstack has written',
        found: 'nothing',
      });
    });

    it('makes a disk that goes when nobody asks for it in time', async () => {
      await stage.service('--prepared-timeout', '300ms');
      await stage.pair(7, 3);
      await prepare();
      await stage.untilIdle();
      expect((await stage.transfers()).at(-1)?.error).toMatchObject({ code: 'TRANSFER_EXPIRED' });
      expect(await stage.left()).toEqual([]);
    });
  });

  describe('abort', () => {
    it('ends a transfer in the middle; the stubdom hears why, and nothing is left', async () => {
      await stage.service();
      const pair = await stage.pair(7, 3);
      const agent = stage.stubdom(pair, '--source', '-', '--opaque');
      agent.child.stdin?.write('some bytes');
      await agent.moving;
      const [view] = await stage.transfers();
      expect((await ask('abort', view?.transfer ?? '')).exit).toBe(0);
      agent.child.stdin?.end();
      expect((await agent.end).error).toMatchObject({
        code: 'PEER_ABORTED',
        message: 'the receiver gave up: CANCELLED: it was aborted by hand',
      });
      expect([stage.saved(3), await stage.left()]).toEqual([undefined, []]);
    });

    it('of a transfer that is not there says so', async () => {
      await stage.service();
      const uuid = randomUUID();
      expect(failureOf(await ask('abort', uuid))).toMatchObject({ code: 'NO_SUCH_TRANSFER', where: uuid });
    });
  });

  describe('transfers', () => {
    it('--follow tells of each phase on a line, in order', async () => {
      await stage.service();
      const pair = await stage.pair(7, 3);
      const following = startStubferry(['transfers', '--follow', '--json', '--control', stage.control]);
      const seen: TransferView[] = [];
      const detached = new Promise<void>((resolve) => {
        following.child.stdout?.on('data', (chunk: Buffer) => {
          for (const line of `${chunk}`.trim().split('\n')) seen.push(JSON.parse(line) as TransferView);
          if (seen.at(-1)?.phase === 'detached') resolve();
        });
      });
      await stage.untilFollowed();
      await stage.stubdom(pair, '--source', STATE).end;
      await detached;
      const phases = seen.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1]);
      expect(phases).toEqual(['requested', 'attached', 'ready', 'receiving', 'verified', 'committed', 'detached']);
      following.child.kill('SIGTERM');
      await following.ended;
    });

    it('says that there are none', async () => {
      await stage.service();
      expect(`${(await stubferry(['transfers', '--control', stage.control])).stdout}`).toBe('no transfers\n');
    });
  });

  describe('status', () => {
    it('without an agent says that it cannot be reached, and what to look at', async () => {
      expect(failureOf(await ask('status'))).toEqual({
        exit: 90,
        code: 'SERVICE_UNREACHABLE',
        status: 90,
        message: "dom0's agent cannot be reached",
        where: stage.control,
        expected: 'its control socket',
        found: 'ENOENT',
        hint: 'is it running (systemctl status stubferry), and are you root?',
      });
    });

    it('says what the agent works on', async () => {
      const { pid } = await stage.service();
      const { status } = documentOf<{ status: object }>(await ask('status'));
      expect(status).toMatchObject({
        pid,
        driver: 'file',
        transferDir: stage.path('run'),
        underWay: 0,
        mostTransfers: 16,
      });
    });
  });

  describe('gc', () => {
    const leftFolder = (): string => {
      const uuid = randomUUID();
      mkdirSync(stage.path(`run/${uuid}`), { mode: 0o700 });
      writeFileSync(stage.path(`run/${uuid}/transfer.img`), 'no disk');
      return uuid;
    };
    const gc = (...args: readonly string[]) =>
      ask('gc', '--attach', 'file', '--transfer-dir', stage.path('run'), ...args);

    it.each(['with', 'without'])('--dry-run %s an agent names what is left over, and touches nothing', async (how) => {
      if (how === 'with') await stage.service();
      const uuid = leftFolder();
      expect(documentOf(await gc('--dry-run'))).toEqual({
        removed: [],
        kept: [
          { kind: 'disk', what: stage.path(`run/${uuid}/transfer.img`), transfer: uuid },
          { kind: 'folder', what: stage.path(`run/${uuid}`), transfer: uuid },
        ],
      });
      expect(await stage.left()).toEqual([uuid]);
    });

    it.each(['with', 'without'])('%s an agent removes it, and nothing that is not ours', async (how) => {
      if (how === 'with') await stage.service();
      leftFolder();
      writeFileSync(stage.path('run/of-somebody'), 'else');
      expect((await gc()).exit).toBe(0);
      expect(await stage.left()).toEqual(['of-somebody']);
    });

    it('does not touch a transfer that lives', async () => {
      await stage.service();
      await stage.pair(7, 3);
      const { transfer } = await prepare();
      expect(documentOf(await gc())).toEqual({ removed: [], kept: [] });
      expect(await stage.left()).toEqual([transfer]);
    });
  });

  it('a second agent in the same folder is refused', async () => {
    await stage.service();
    const second = await stage.service();
    expect((await second.end).exit).toBe(91);
  });

  it('SIGTERM ends the agent with 0; a transfer is aborted, and nothing is left', async () => {
    const service = await stage.service();
    await stage.pair(7, 3);
    await prepare();
    service.child.kill('SIGTERM');
    expect((await service.ended).exit).toBe(0);
    expect(await stage.left()).toEqual([]);
  });

  it('metrics count transfers and their phases', async () => {
    await stage.service('--metrics', stage.path('run/metrics.sock'));
    await stage.stubdom(await stage.pair(7, 3), '--source', STATE).end;
    await stage.untilIdle();
    const text = await get(stage.path('run/metrics.sock'), '/metrics');
    expect(text).toContain('stubferry_transfers_total{direction="save",outcome="ok"} 1\n');
    expect(text).toContain(`stubferry_transfer_bytes_total{direction="save"} ${readFileSync(STATE).length}\n`);
    expect(text).toContain('stubferry_transfer_phase_seconds_count{direction="save",phase="committed"} 1\n');
    expect(text).toContain('stubferry_transfers 0\n');
  });

  it('what is no request is answered with a typed error', async () => {
    await stage.service();
    const socket = createConnection(stage.control);
    socket.write('{"command": "format c:"}\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(JSON.parse(`${Buffer.concat(chunks)}`)).toMatchObject({
      error: { code: 'USAGE', message: "dom0's agent does not understand the request" },
    });
  });
});

/** Over HTTP on a unix socket. */
async function get(socketPath: string, path: string): Promise<string> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(`${Buffer.concat(chunks)}`));
    })
      .on('error', reject)
      .end();
  });
}
