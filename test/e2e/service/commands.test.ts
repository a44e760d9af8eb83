/** The commands with which an administrator and the save hook control the stubferry service. */
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

describeWith(XENSTORED, 'the commands for the stubferry service', () => {
  let stage: ServiceStage;
  beforeEach(async () => {
    stage = await ServiceStage.open();
  });
  afterEach(() => stage.close());

  const run = (...args: readonly string[]) => stubferry([...args, '--json', '--control', stage.control]);
  const prepare = async (): Promise<TransferView> =>
    documentOf<{ transfer: TransferView }>(await run('prepare', '3')).transfer;

  describe('prepare', () => {
    it('attaches the disk of the next save before that save starts', async () => {
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

    it('makes one disk for two requests', async () => {
      await stage.service();
      await stage.pair(7, 3);
      const { transfer } = await prepare();
      expect(await prepare()).toMatchObject({ transfer });
    });

    it('refuses a target that has no stubdom', async () => {
      await stage.service();
      expect(failureOf(await run('prepare', '3'))).toMatchObject({
        code: 'NOT_A_DEVICE_MODEL',
        where: '/local/domain/3/image/device-model-domid',
        expected: 'a key that the toolstack wrote',
        found: 'nothing',
      });
    });

    it('removes the disk when it is not requested in time', async () => {
      await stage.service('--prepared-timeout', '300ms');
      await stage.pair(7, 3);
      await prepare();
      await stage.untilIdle();
      expect((await stage.transfers()).at(-1)?.error).toMatchObject({ code: 'TRANSFER_EXPIRED' });
      expect(await stage.remaining()).toEqual([]);
    });
  });

  describe('abort', () => {
    it('ends an active transfer; the stubdom receives the reason, and no orphans remain', async () => {
      await stage.service();
      const pair = await stage.pair(7, 3);
      const agent = stage.stubdom(pair, '--source', '-', '--opaque');
      agent.child.stdin?.write('some bytes');
      await agent.moving;
      const [view] = await stage.transfers();
      expect((await run('abort', view?.transfer ?? '')).exit).toBe(0);
      agent.child.stdin?.end();
      expect((await agent.end).error).toMatchObject({
        code: 'PEER_ABORTED',
        message: "the receiver gave up: CANCELLED: the transfer was aborted with 'stubferry abort'",
      });
      expect([stage.saved(3), await stage.remaining()]).toEqual([undefined, []]);
    });

    it('reports that there is no such transfer', async () => {
      await stage.service();
      const uuid = randomUUID();
      expect(failureOf(await run('abort', uuid))).toMatchObject({ code: 'NO_SUCH_TRANSFER', where: uuid });
    });
  });

  describe('transfers', () => {
    it('reports each phase on a line with --follow, in order', async () => {
      await stage.service();
      const pair = await stage.pair(7, 3);
      const follower = startStubferry(['transfers', '--follow', '--json', '--control', stage.control]);
      const seen: TransferView[] = [];
      const detached = new Promise<void>((resolve) => {
        follower.child.stdout?.on('data', (chunk: Buffer) => {
          for (const line of `${chunk}`.trim().split('\n')) seen.push(JSON.parse(line) as TransferView);
          if (seen.at(-1)?.phase === 'detached') resolve();
        });
      });
      await stage.untilSubscribed();
      await stage.stubdom(pair, '--source', STATE).end;
      await detached;
      const phases = seen.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1]);
      expect(phases).toEqual(['requested', 'attached', 'ready', 'receiving', 'verified', 'committed', 'detached']);
      follower.child.kill('SIGTERM');
      await follower.ended;
    });

    it('reports that there are none', async () => {
      await stage.service();
      expect(`${(await stubferry(['transfers', '--control', stage.control])).stdout}`).toBe('no transfers\n');
    });
  });

  describe('status', () => {
    it('reports that the service cannot be reached, and what to check', async () => {
      expect(failureOf(await run('status'))).toEqual({
        exit: 90,
        code: 'SERVICE_UNREACHABLE',
        status: 90,
        message: 'cannot reach the stubferry service',
        where: stage.control,
        expected: 'the control socket of a running service',
        found: 'ENOENT',
        hint: expect.any(String),
      });
    });

    it('reports the settings of the service', async () => {
      const { pid } = await stage.service();
      const { status } = documentOf<{ status: object }>(await run('status'));
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
    const makeOrphan = (): string => {
      const uuid = randomUUID();
      mkdirSync(stage.path(`run/${uuid}`), { mode: 0o700 });
      writeFileSync(stage.path(`run/${uuid}/transfer.img`), 'no disk');
      return uuid;
    };
    const gc = (...args: readonly string[]) =>
      run('gc', '--attach', 'file', '--transfer-dir', stage.path('run'), ...args);

    it.each(['with', 'without'])('lists the orphans %s a service on --dry-run, and removes nothing', async (how) => {
      if (how === 'with') await stage.service();
      const uuid = makeOrphan();
      expect(documentOf(await gc('--dry-run'))).toEqual({
        removed: [],
        kept: [
          { kind: 'disk', what: stage.path(`run/${uuid}/transfer.img`), transfer: uuid },
          { kind: 'directory', what: stage.path(`run/${uuid}`), transfer: uuid },
        ],
      });
      expect(await stage.remaining()).toEqual([uuid]);
    });

    it.each(['with', 'without'])("removes the orphans %s a service, and only stubferry's", async (how) => {
      if (how === 'with') await stage.service();
      makeOrphan();
      writeFileSync(stage.path('run/foreign'), 'else');
      expect((await gc()).exit).toBe(0);
      expect(await stage.remaining()).toEqual(['foreign']);
    });

    it('does not touch an active transfer', async () => {
      await stage.service();
      await stage.pair(7, 3);
      const { transfer } = await prepare();
      expect(documentOf(await gc())).toEqual({ removed: [], kept: [] });
      expect(await stage.remaining()).toEqual([transfer]);
    });
  });

  it('refuses a second service in the same directory', async () => {
    await stage.service();
    const second = await stage.service();
    expect((await second.end).exit).toBe(91);
  });

  it('ends the service with status 0 on SIGTERM; the transfer is aborted, and no orphans remain', async () => {
    const service = await stage.service();
    await stage.pair(7, 3);
    await prepare();
    service.child.kill('SIGTERM');
    expect((await service.ended).exit).toBe(0);
    expect(await stage.remaining()).toEqual([]);
  });

  it('counts transfers and their phases in the metrics', async () => {
    await stage.service('--metrics', stage.path('run/metrics.sock'));
    await stage.stubdom(await stage.pair(7, 3), '--source', STATE).end;
    await stage.untilIdle();
    const text = await get(stage.path('run/metrics.sock'), '/metrics');
    expect(text).toContain('stubferry_transfers_total{direction="save",outcome="ok"} 1\n');
    expect(text).toContain(`stubferry_transfer_bytes_total{direction="save"} ${readFileSync(STATE).length}\n`);
    expect(text).toContain('stubferry_transfer_phase_seconds_count{direction="save",phase="committed"} 1\n');
    expect(text).toContain('stubferry_transfers 0\n');
  });

  it('replies with an error code to an invalid request', async () => {
    await stage.service();
    const socket = createConnection(stage.control);
    socket.write('{"command": "format c:"}\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(JSON.parse(`${Buffer.concat(chunks)}`)).toMatchObject({
      error: { code: 'USAGE', message: 'the stubferry service does not understand the request' },
    });
  });
});

/** Requests a path over HTTP on a unix socket. @returns the body */
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
