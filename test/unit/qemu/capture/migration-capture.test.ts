/** A whole machine with its RAM, out of a QEMU by script that migrates into the socket that it is told. */
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { type Capture, prepareMigration } from '../../../../src/qemu/index.js';
import { allOf } from '../../../support/io/all-of.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { Refusal, type Script, type ScriptedQemu } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const STREAM = sampleState(2_000_000);
const BANDWIDTH = 134_217_728;

/** A migration, as QEMU does it: `status` is what it says of it. */
class Migration {
  status: string | undefined;
  error: string | undefined;
  socket: Socket | undefined;
  readonly bandwidths: unknown[] = [];

  /** @param onConnected sends the stream. @param overrides other answers */
  script(onConnected: (socket: Socket) => unknown, overrides: Script = {}): Script {
    return {
      'query-migrate-parameters': () => ({ 'max-bandwidth': BANDWIDTH }),
      'migrate-set-parameters': ({ args }) => {
        this.bandwidths.push(args['max-bandwidth']);
      },
      migrate: async ({ args }) => {
        this.status = 'active';
        this.socket = createConnection(String(args['uri']).replace(/^unix:/, ''));
        this.socket.on('error', () => undefined);
        await once(this.socket, 'connect');
        void onConnected(this.socket);
        return {};
      },
      'query-migrate': () => ({ status: this.status, 'error-desc': this.error }),
      migrate_cancel: () => {
        this.status = 'cancelled';
        this.socket?.destroy();
      },
      ...overrides,
    };
  }
}

describe('prepareMigration', () => {
  const { scratch, qemu: startQemu, client } = stage();

  async function prepared(script: Script): Promise<{ qemu: ScriptedQemu; capture: Capture; folder: string }> {
    const folder = scratch('streams');
    mkdirSync(folder);
    const qemu = await startQemu(script);
    const capture = await prepareMigration(await client(), { parent: folder, stallMs: 5_000 });
    return { qemu, capture, folder };
  }

  it('gives all that QEMU sends, when QEMU says that it has completed', async () => {
    const migration = new Migration();
    const { capture, folder } = await prepared(
      migration.script((socket) =>
        socket.end(STREAM, () => {
          migration.status = 'completed';
        }),
      ),
    );
    const source = await capture.begin();
    expect((await allOf(source)).equals(STREAM)).toBe(true);
    await capture.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('asks as QEMU knows it, and puts the bandwidth back', async () => {
    const migration = new Migration();
    const { qemu, capture, folder } = await prepared(
      migration.script((socket) => {
        migration.status = 'completed';
        socket.end('stream');
      }),
    );
    const [name] = readdirSync(folder);
    expect(qemu.names).toEqual(['query-migrate-parameters']);
    await allOf(await capture.begin());
    await capture.close();
    expect(qemu.names.filter((asked) => asked !== 'query-migrate')).toEqual([
      'query-migrate-parameters',
      'migrate-set-parameters',
      'migrate',
      'migrate-set-parameters',
    ]);
    expect(qemu.asked.find((asked) => asked.name === 'migrate')?.args).toEqual({
      uri: `unix:${folder}/${name}/stream.sock`,
    });
    expect(migration.bandwidths).toEqual([2 ** 40, BANDWIDTH]);
  });

  it.each([
    [
      'failed',
      'Unable to write to socket: Broken pipe',
      "QEMU's migration failed: Unable to write to socket: Broken pipe",
    ],
    ['failed', undefined, "QEMU's migration failed"],
    ['failed', 'a\u001b[2J', "QEMU's migration failed: a\\u{1b}[2J"],
    ['cancelled', undefined, "QEMU's migration cancelled"],
  ])('takes no end of the stream for the end of a migration that %s', async (status, error, message) => {
    const migration = new Migration();
    migration.error = error;
    const { capture } = await prepared(
      migration.script((socket) => {
        migration.status = status;
        socket.end(STREAM);
      }),
    );
    const source = await capture.begin();
    await expect(allOf(source)).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
      message,
      details: { where: scratch('qmp.sock'), expected: 'completed', found: status, hint: 'see the log of QEMU' },
    });
    await capture.close();
    expect(migration.bandwidths.at(-1)).toBe(BANDWIDTH);
  });

  it('has QEMU give up when the stream is not wanted any more, and puts the bandwidth back', async () => {
    const migration = new Migration();
    const { qemu, capture, folder } = await prepared(migration.script((socket) => socket.write(STREAM)));
    const source = await capture.begin();
    await source.read(new Uint8Array(1000));
    await capture.close();
    expect(migration.status).toBe('cancelled');
    expect(qemu.names).toContain('migrate_cancel');
    expect(migration.bandwidths).toEqual([2 ** 40, BANDWIDTH]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is QEMU_GONE when QEMU ends in the middle', async () => {
    const migration = new Migration();
    const { qemu, capture, folder } = await prepared(migration.script((socket) => socket.write(STREAM)));
    const source = await capture.begin();
    const all = allOf(source);
    all.catch(() => undefined);
    await settled(20);
    migration.socket?.destroy();
    await qemu.hangUp();
    await expect(all).rejects.toMatchObject({ code: 'QEMU_GONE' });
    await capture.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that QEMU refuses is QEMU_REFUSED, and the bandwidth is put back', async () => {
    const migration = new Migration();
    const script = migration.script(() => undefined, { migrate: () => new Refusal("disk 'nvme0' cannot be migrated") });
    const { capture, folder } = await prepared(script);
    await expect(capture.begin()).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
      message: "QEMU refused 'migrate': disk 'nvme0' cannot be migrated",
    });
    await capture.close();
    expect(migration.bandwidths).toEqual([2 ** 40, BANDWIDTH]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that is not begun asks QEMU for nothing', async () => {
    const migration = new Migration();
    const { capture, folder } = await prepared(migration.script(() => undefined));
    await capture.close();
    expect(migration.status).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves no socket behind when QEMU does not tell its parameters', async () => {
    const folder = scratch('streams');
    mkdirSync(folder);
    await startQemu({ 'query-migrate-parameters': () => new Refusal('not now') });
    const monitor = await client();
    const before = openResources();
    await expect(prepareMigration(monitor, { parent: folder, stallMs: 5_000 })).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
    });
    await until(() => leftSince(before).length === 0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('in a folder that is not there is CAPTURE_LOST', async () => {
    await startQemu({ 'query-migrate-parameters': () => ({}) });
    const preparing = prepareMigration(await client(), { parent: scratch('no'), stallMs: 5_000 });
    await expect(preparing).rejects.toMatchObject({ code: 'CAPTURE_LOST', details: { where: scratch('no') } });
  });

  it('in a folder whose path is too long for a socket is CAPTURE_LOST, and leaves nothing in it', async () => {
    await startQemu({ 'query-migrate-parameters': () => ({}) });
    const folder = scratch('x'.repeat(80));
    mkdirSync(folder);
    await expect(prepareMigration(await client(), { parent: folder, stallMs: 5_000 })).rejects.toMatchObject({
      code: 'CAPTURE_LOST',
      message: 'QEMU cannot send its state here',
      details: {
        where: expect.stringContaining(folder),
        expected: 'a unix socket that QEMU connects to',
        found: expect.stringMatching(/^a path of \d+ bytes, where a socket has 107 at most$/),
        hint: 'is the folder there, and can QEMU reach it? Its path may have 107 bytes at most',
      },
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});
