/** The device state, from a scripted QEMU: what can go wrong with the FIFO and with QEMU's reply. */
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DeviceStateCapture } from '../../../../src/qemu/index.js';
import { savesBy, writeState } from '../../../support/capture/state-writing.js';
import { allOf } from '../../../support/io/all-of.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import {
  type ReceivedCommand,
  Refusal,
  type Reply,
  type ScriptedQemu,
  SILENCE,
} from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const STATE = sampleState(3_000_000);

describe('DeviceStateCapture', () => {
  const { scratch, qemu: startQemu, client } = stage();
  const time = passingTime();

  /** A directory for the FIFO, and a QEMU that executes a save with `save`. */
  async function prepared(
    save: Reply,
  ): Promise<{ qemu: ScriptedQemu; capture: DeviceStateCapture; directory: string }> {
    const directory = scratch('fifos');
    mkdirSync(directory);
    const qemu = await startQemu({ 'xen-save-devices-state': save, stop: () => ({}) });
    return { qemu, directory, capture: await DeviceStateCapture.prepare({ parent: directory, stallMs: 5_000 }) };
  }

  it('returns the written state when QEMU replies after the last byte', async () => {
    const { capture, directory } = await prepared(savesBy(STATE));
    const source = await capture.begin(await client(), {});
    expect((await allOf(source)).equals(STATE)).toBe(true);
    await capture.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('returns the whole state when QEMU replies before it is read', async () => {
    const { capture } = await prepared((command) => {
      void writeState(command, STATE);
      return {};
    });
    const source = await capture.begin(await client(), {});
    await settled(20);
    expect((await allOf(source, 10_000)).equals(STATE)).toBe(true);
    await capture.close();
  });

  it("sends the path of its own FIFO with the toolstack's other arguments", async () => {
    const { qemu, capture, directory } = await prepared(savesBy('state'));
    await allOf(await capture.begin(await client(), { filename: '/dev/fdset/1', live: true }));
    const [name] = readdirSync(directory);
    expect(qemu.commands.at(-1)).toMatchObject({
      name: 'xen-save-devices-state',
      args: { filename: `${directory}/${name}/state.fifo`, live: true },
    });
    await capture.close();
  });

  it('sends no command before it begins', async () => {
    const { qemu, capture } = await prepared(savesBy('state'));
    await client();
    await capture.close();
    expect(qemu.names).toEqual([]);
  });

  it('can begin again for one state after the other', async () => {
    let turn = 0;
    const { capture } = await prepared((command, qemu) => {
      turn += 1;
      return savesBy(`state ${turn}`)(command, qemu);
    });
    const monitor = await client();
    for (const expected of ['state 1', 'state 2', 'state 3']) {
      expect((await allOf(await capture.begin(monitor, {}))).toString()).toBe(expected);
      await capture.finish();
    }
    await capture.close();
  });

  it('does not take the end of the file for the end of the state when QEMU reports an error', async () => {
    const { capture } = await prepared(savesBy(STATE, () => new Refusal('an I/O error')));
    const source = await capture.begin(await client(), {});
    await expect(allOf(source)).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
      message: "QEMU refused 'xen-save-devices-state': an I/O error",
    });
    await capture.close();
  });

  it("rejects with QEMU's error when QEMU does not open the FIFO", async () => {
    const { capture, directory } = await prepared(() => new Refusal('no'));
    const source = await capture.begin(await client(), {});
    await expect(allOf(source)).rejects.toMatchObject({ code: 'QEMU_REFUSED' });
    await capture.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('does not take the end of the file for the end of the state when QEMU disconnects', async () => {
    const { capture } = await prepared(
      savesBy(sampleState(100_000), async (_command, qemu) => {
        await qemu.hangUp();
        return SILENCE;
      }),
    );
    const source = await capture.begin(await client(), {});
    await expect(allOf(source)).rejects.toMatchObject({
      code: 'QEMU_GONE',
      message: "QEMU closed its monitor in the middle of 'xen-save-devices-state'",
    });
    await capture.close();
  });

  it.each<[string, (path: string) => unknown]>([
    ['removed', () => undefined],
    ['replaced by a file', (path) => writeFileSync(path, 'something')],
  ])('creates a new FIFO when the first one was %s', async (_what, replace) => {
    const { capture, directory } = await prepared(savesBy('state'));
    const path = `${directory}/${readdirSync(directory)[0]}/state.fifo`;
    rmSync(path);
    replace(path);
    expect((await allOf(await capture.begin(await client(), {}))).toString()).toBe('state');
    await capture.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('detects that QEMU has created a regular file in place of the FIFO', async () => {
    let path = '';
    let saved = false;
    const save = async (command: ReceivedCommand): Promise<object> => {
      path = String(command.args['filename']);
      rmSync(path);
      await writeState(command, STATE);
      saved = true;
      return {};
    };
    const { capture, directory } = await prepared(save);
    const monitor = await client();
    time.stop();
    const source = await capture.begin(monitor, {});
    const all = allOf(source);
    all.catch(() => undefined);
    await until(() => saved);
    await settled(5);
    expect(lstatSync(path).isFile()).toBe(true);
    await time.pass(2_000);
    await expect(all).rejects.toMatchObject({
      code: 'CAPTURE_LOST',
      message: 'QEMU reports a complete save, but the end of the state did not arrive',
      details: { where: path },
    });
    await capture.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('lets QEMU finish writing, so that it serves commands again', async () => {
    const { qemu, capture, directory } = await prepared(savesBy(STATE));
    const monitor = await client();
    const source = await capture.begin(monitor, {});
    await source.read(new Uint8Array(1000));
    await capture.close();
    await expect(monitor.execute('stop', {}, { timeoutMs: 10_000 })).resolves.toEqual({});
    expect(qemu.names).toEqual(['xen-save-devices-state', 'stop']);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('creates another FIFO when QEMU does not finish', async () => {
    const { capture, directory, qemu } = await prepared(() => SILENCE);
    const monitor = await client();
    const [before] = readdirSync(directory);
    time.stop();
    await capture.begin(monitor, {});
    await until(() => qemu.names.length === 1);
    const finishing = capture.finish();
    await time.pass(9_999);
    expect(await isPending(finishing)).toBe(true);
    expect(readdirSync(directory)).toEqual([before]);
    await time.pass(1);
    await finishing;
    expect(readdirSync(directory)).toHaveLength(1);
    expect(readdirSync(directory)[0]).not.toBe(before);
    await capture.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('rejects with QEMU_GONE when QEMU has disconnected before the command', async () => {
    const { capture, qemu } = await prepared(savesBy('state'));
    const monitor = await client();
    await qemu.hangUp();
    await monitor.ended;
    const source = await capture.begin(monitor, {});
    await expect(allOf(source)).rejects.toMatchObject({ code: 'QEMU_GONE' });
    await capture.close();
  });

  it('rejects with CAPTURE_LOST when the FIFO cannot be created', async () => {
    const preparing = DeviceStateCapture.prepare({ parent: scratch('no'), stallMs: 1 });
    await expect(preparing).rejects.toMatchObject({ code: 'CAPTURE_LOST' });
  });
});
