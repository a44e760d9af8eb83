/** A whole machine with its RAM, from a scripted QEMU that migrates to the given socket. */
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

/** A migration of the scripted QEMU; `status` is its reported status. */
class Migration {
  status: string | undefined;
  error: string | undefined;
  socket: Socket | undefined;
  readonly bandwidths: unknown[] = [];

  /** @param onConnected sends the stream. @param overrides other replies */
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

  async function prepared(script: Script): Promise<{ qemu: ScriptedQemu; capture: Capture; directory: string }> {
    const directory = scratch('streams');
    mkdirSync(directory);
    const qemu = await startQemu(script);
    const capture = await prepareMigration(await client(), { parent: directory, stallMs: 5_000 });
    return { qemu, capture, directory };
  }

  it('returns the whole stream when QEMU reports completion', async () => {
    const migration = new Migration();
    const { capture, directory } = await prepared(
      migration.script((socket) =>
        socket.end(STREAM, () => {
          migration.status = 'completed';
        }),
      ),
    );
    const source = await capture.begin();
    expect((await allOf(source)).equals(STREAM)).toBe(true);
    await capture.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("sends QEMU's commands and restores the bandwidth limit", async () => {
    const migration = new Migration();
    const { qemu, capture, directory } = await prepared(
      migration.script((socket) => {
        migration.status = 'completed';
        socket.end('stream');
      }),
    );
    const [entry] = readdirSync(directory);
    expect(qemu.names).toEqual(['query-migrate-parameters']);
    await allOf(await capture.begin());
    await capture.close();
    expect(qemu.names.filter((name) => name !== 'query-migrate')).toEqual([
      'query-migrate-parameters',
      'migrate-set-parameters',
      'migrate',
      'migrate-set-parameters',
    ]);
    expect(qemu.commands.find((command) => command.name === 'migrate')?.args).toEqual({
      uri: `unix:${directory}/${entry}/stream.sock`,
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
  ])('does not take the end of the stream for the end of a migration that %s', async (status, error, message) => {
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
      details: { where: scratch('qmp.sock'), expected: 'completed', found: status },
    });
    await capture.close();
    expect(migration.bandwidths.at(-1)).toBe(BANDWIDTH);
  });

  it('cancels the migration when it is closed early, and restores the bandwidth limit', async () => {
    const migration = new Migration();
    const { qemu, capture, directory } = await prepared(migration.script((socket) => socket.write(STREAM)));
    const source = await capture.begin();
    await source.read(new Uint8Array(1000));
    await capture.close();
    expect(migration.status).toBe('cancelled');
    expect(qemu.names).toContain('migrate_cancel');
    expect(migration.bandwidths).toEqual([2 ** 40, BANDWIDTH]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('rejects with QEMU_GONE when QEMU exits in the middle', async () => {
    const migration = new Migration();
    const { qemu, capture, directory } = await prepared(migration.script((socket) => socket.write(STREAM)));
    const source = await capture.begin();
    const all = allOf(source);
    all.catch(() => undefined);
    await settled(20);
    migration.socket?.destroy();
    await qemu.hangUp();
    await expect(all).rejects.toMatchObject({ code: 'QEMU_GONE' });
    await capture.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('rejects with QEMU_REFUSED when QEMU refuses, and restores the bandwidth limit', async () => {
    const migration = new Migration();
    const script = migration.script(() => undefined, { migrate: () => new Refusal("disk 'nvme0' cannot be migrated") });
    const { capture, directory } = await prepared(script);
    await expect(capture.begin()).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
      message: "QEMU refused 'migrate': disk 'nvme0' cannot be migrated",
    });
    await capture.close();
    expect(migration.bandwidths).toEqual([2 ** 40, BANDWIDTH]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('does not start a migration before it begins', async () => {
    const migration = new Migration();
    const { capture, directory } = await prepared(migration.script(() => undefined));
    await capture.close();
    expect(migration.status).toBeUndefined();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('leaves no socket behind when QEMU does not report its parameters', async () => {
    const directory = scratch('streams');
    mkdirSync(directory);
    await startQemu({ 'query-migrate-parameters': () => new Refusal('not now') });
    const monitor = await client();
    const before = openResources();
    await expect(prepareMigration(monitor, { parent: directory, stallMs: 5_000 })).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
    });
    await until(() => leftSince(before).length === 0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('rejects with CAPTURE_LOST when the directory does not exist', async () => {
    await startQemu({ 'query-migrate-parameters': () => ({}) });
    const preparing = prepareMigration(await client(), { parent: scratch('no'), stallMs: 5_000 });
    await expect(preparing).rejects.toMatchObject({ code: 'CAPTURE_LOST', details: { where: scratch('no') } });
  });

  it('rejects with CAPTURE_LOST when the path is too long for a socket, and leaves nothing behind', async () => {
    await startQemu({ 'query-migrate-parameters': () => ({}) });
    const directory = scratch('x'.repeat(80));
    mkdirSync(directory);
    await expect(prepareMigration(await client(), { parent: directory, stallMs: 5_000 })).rejects.toMatchObject({
      code: 'CAPTURE_LOST',
      message: 'cannot receive the migration stream of QEMU',
      details: {
        where: expect.stringContaining(directory),
        expected: 'a unix socket that QEMU connects to',
        found: expect.stringMatching(/^a path of \d+ bytes \(the maximum for a socket is 107\)$/),
      },
    });
    expect(readdirSync(directory)).toEqual([]);
  });
});
