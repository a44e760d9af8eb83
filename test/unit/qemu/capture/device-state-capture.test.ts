/** The state of the devices, out of a QEMU by script: what it may do wrong with the FIFO and with its reply. */
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DeviceStateCapture } from '../../../../src/qemu/index.js';
import { savesBy, writeState } from '../../../support/capture/state-writing.js';
import { allOf } from '../../../support/io/all-of.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { type Answer, type Asked, Refusal, type ScriptedQemu, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const STATE = sampleState(3_000_000);

describe('DeviceStateCapture', () => {
  const { scratch, qemu: startQemu, client } = stage();
  const time = passingTime();

  /** A folder for the FIFO, and a QEMU that saves so. */
  async function prepared(save: Answer): Promise<{ qemu: ScriptedQemu; capture: DeviceStateCapture; folder: string }> {
    const folder = scratch('fifos');
    mkdirSync(folder);
    const qemu = await startQemu({ 'xen-save-devices-state': save, stop: () => ({}) });
    return { qemu, folder, capture: await DeviceStateCapture.prepare({ parent: folder, stallMs: 5_000 }) };
  }

  it('gives what QEMU writes, when QEMU replies after that', async () => {
    const { capture, folder } = await prepared(savesBy(STATE));
    const source = await capture.begin(await client(), {});
    expect((await allOf(source)).equals(STATE)).toBe(true);
    await capture.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives all of it when QEMU replies before it is read', async () => {
    const { capture } = await prepared((asked) => {
      void writeState(asked, STATE);
      return {};
    });
    const source = await capture.begin(await client(), {});
    await settled(20);
    expect((await allOf(source, 10_000)).equals(STATE)).toBe(true);
    await capture.close();
  });

  it('asks for its own FIFO, with the arguments of the toolstack', async () => {
    const { qemu, capture, folder } = await prepared(savesBy('state'));
    await allOf(await capture.begin(await client(), { filename: '/dev/fdset/1', live: true }));
    const [name] = readdirSync(folder);
    expect(qemu.asked.at(-1)).toMatchObject({
      name: 'xen-save-devices-state',
      args: { filename: `${folder}/${name}/state.fifo`, live: true },
    });
    await capture.close();
  });

  it('asks nothing before it is begun', async () => {
    const { qemu, capture } = await prepared(savesBy('state'));
    await client();
    await capture.close();
    expect(qemu.names).toEqual([]);
  });

  it('can be begun again, for one state after the other', async () => {
    let turn = 0;
    const { capture } = await prepared((asked, qemu) => {
      turn += 1;
      return savesBy(`state ${turn}`)(asked, qemu);
    });
    const monitor = await client();
    for (const expected of ['state 1', 'state 2', 'state 3']) {
      expect((await allOf(await capture.begin(monitor, {}))).toString()).toBe(expected);
      await capture.finish();
    }
    await capture.close();
  });

  it('takes no end of file for the end of a state that QEMU says it did not save', async () => {
    const { capture } = await prepared(savesBy(STATE, () => new Refusal('an I/O error')));
    const source = await capture.begin(await client(), {});
    await expect(allOf(source)).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
      message: "QEMU refused 'xen-save-devices-state': an I/O error",
    });
    await capture.close();
  });

  it('hears a refusal of a QEMU that did not even open the FIFO', async () => {
    const { capture, folder } = await prepared(() => new Refusal('no'));
    const source = await capture.begin(await client(), {});
    await expect(allOf(source)).rejects.toMatchObject({ code: 'QEMU_REFUSED' });
    await capture.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes no end of file for the end of a state whose QEMU is gone', async () => {
    const { capture } = await prepared(
      savesBy(sampleState(100_000), async (_asked, qemu) => {
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
  ])('makes its FIFO anew when that was %s since', async (_what, replace) => {
    const { capture, folder } = await prepared(savesBy('state'));
    const path = `${folder}/${readdirSync(folder)[0]}/state.fifo`;
    rmSync(path);
    replace(path);
    expect((await allOf(await capture.begin(await client(), {}))).toString()).toBe('state');
    await capture.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('finds out that QEMU has written into a file that it made in place of the FIFO', async () => {
    let path = '';
    let saved = false;
    const save = async (asked: Asked): Promise<object> => {
      path = String(asked.args['filename']);
      rmSync(path);
      await writeState(asked, STATE);
      saved = true;
      return {};
    };
    const { capture, folder } = await prepared(save);
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
      message: 'QEMU says that it has saved, but its state did not come to its end here',
      details: { where: path },
    });
    await capture.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('lets a QEMU that still writes come to its end, and answer again', async () => {
    const { qemu, capture, folder } = await prepared(savesBy(STATE));
    const monitor = await client();
    const source = await capture.begin(monitor, {});
    await source.read(new Uint8Array(1000));
    await capture.close();
    await expect(monitor.ask('stop', {}, { timeoutMs: 10_000 })).resolves.toEqual({});
    expect(qemu.names).toEqual(['xen-save-devices-state', 'stop']);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes another FIFO after a QEMU that does not come to its end', async () => {
    const { capture, folder, qemu } = await prepared(() => SILENCE);
    const monitor = await client();
    const [before] = readdirSync(folder);
    time.stop();
    await capture.begin(monitor, {});
    await until(() => qemu.names.length === 1);
    const finishing = capture.finish();
    await time.pass(9_999);
    expect(await isPending(finishing)).toBe(true);
    expect(readdirSync(folder)).toEqual([before]);
    await time.pass(1);
    await finishing;
    expect(readdirSync(folder)).toHaveLength(1);
    expect(readdirSync(folder)[0]).not.toBe(before);
    await capture.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('fails when QEMU is gone before it is asked', async () => {
    const { capture, qemu } = await prepared(savesBy('state'));
    const monitor = await client();
    await qemu.hangUp();
    await monitor.ended;
    const source = await capture.begin(monitor, {});
    await expect(allOf(source)).rejects.toMatchObject({ code: 'QEMU_GONE' });
    await capture.close();
  });

  it('that cannot make its FIFO is CAPTURE_LOST', async () => {
    const preparing = DeviceStateCapture.prepare({ parent: scratch('no'), stallMs: 1 });
    await expect(preparing).rejects.toMatchObject({ code: 'CAPTURE_LOST' });
  });
});
