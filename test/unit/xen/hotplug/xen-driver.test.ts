/** `--attach xen`: what it writes into xenstore, and how it goes on with the kernels at both ends. The disk itself is looked at in the lab. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { expect, it, jest } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { attachmentSchema, type HotplugDriver } from '../../../../src/xen/hotplug/index.js';
import { xenDriver } from '../../../../src/xen/hotplug/xen-driver.js';
import type { XenstoreClient } from '../../../../src/xen/xenstore/index.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../../support/blockdev-utils/as-root.js';
import { loopsOver, STUBDOM, XVDZ, xenStage } from '../../../support/hotplug/xen-stage.js';
import { until } from '../../../support/qmp/until.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

const PATIENT = { connectMs: 20_000, closeMs: 20_000 };
const BACKENDS = '/local/domain/0/backend/vbd';
const BACKEND = `${BACKENDS}/${STUBDOM}/${XVDZ}`;
const FRONTEND = `/local/domain/${STUBDOM}/device/vbd/${XVDZ}`;

jest.setTimeout(60_000);

/** A client whose first transaction is done, while its caller hears that the connection was lost. */
function losingAnAnswer(store: XenstoreClient): XenstoreClient {
  let isLost = false;
  const transaction: XenstoreClient['transaction'] = async (work) => {
    const result = await store.transaction(work);
    if (isLost) return result;
    isLost = true;
    throw new StubferryError('XENSTORE_GONE', 'the connection to xenstore was lost');
  };
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = name === 'transaction' ? transaction : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describeWith([...XENSTORED, ROOT, LOOP_DEVICES], 'the xen driver', () => {
  const stage = xenStage();
  const driver = (times = PATIENT): HotplugDriver => xenDriver(stage.store, times);
  const toStubdom = { stubdom: STUBDOM };

  /** Everything of it is gone. */
  async function expectNothing(): Promise<void> {
    expect(await stage.tree(BACKENDS)).toEqual({ '': '' });
    expect(Object.keys(await stage.tree(`/local/domain/${STUBDOM}/device/vbd`)).filter((path) => path !== '')).toEqual(
      [],
    );
    expect(loopsOver(stage.place(''))).toEqual([]);
  }

  it('writes both ends of a vbd that needs no hotplug script, and says where it is', async () => {
    await stage.beginWith();
    const backing = await stage.backing();
    const attachment = await driver().attach(backing, 'memory', toStubdom);
    const [node = ''] = loopsOver(stage.place(''));
    expect(attachment).toEqual({ device: '/dev/xvdz', backing, vbd: { stubdom: STUBDOM, number: XVDZ, node } });

    const { rdev } = statSync(node);
    expect(await stage.tree(BACKEND)).toEqual({
      '': '',
      frontend: FRONTEND,
      'frontend-id': '7',
      dev: 'xvdz',
      mode: 'w',
      params: node,
      'physical-device': `7:${(rdev & 0xff).toString(16)}`,
      'discard-enable': '0',
      online: '1',
      state: '4',
      stubferry: '',
      'stubferry/backing': backing,
    });
    expect(await stage.tree(FRONTEND)).toMatchObject({
      backend: BACKEND,
      'backend-id': '0',
      'virtual-device': String(XVDZ),
      'device-type': 'disk',
      state: '4',
    });
  });

  it('lets the stubdom write its own end, and only read the other one', async () => {
    await stage.beginWith();
    await driver().attach(await stage.backing(), 'memory', toStubdom);
    const nothing = { read: false, write: false };
    const read = { read: true, write: false };
    for (const node of ['', '/state', '/backend', '/virtual-device']) {
      expect(await stage.store.permissions(`${FRONTEND}${node}`)).toEqual({
        ...{ owner: STUBDOM, others: nothing },
        domains: [{ domid: 0, ...read }],
      });
    }
    for (const node of ['', '/state', '/physical-device', '/stubferry/backing']) {
      expect(await stage.store.permissions(`${BACKEND}${node}`)).toEqual({
        ...{ owner: 0, others: nothing },
        domains: [{ domid: STUBDOM, ...read }],
      });
    }
    for (const path of [`${BACKEND}/physical-device`, `${BACKEND}/stubferry/backing`, `${BACKEND}/other`]) {
      expect(await rejectionOf(stage.inStubdom.write(path, 'x'))).toMatchObject({ details: { found: 'EACCES' } });
    }
  });

  it('says what is attached in plain data, which a journal holds', async () => {
    await stage.beginWith();
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    expect(attachmentSchema.parse(JSON.parse(JSON.stringify(attachment)))).toEqual(attachment);
    expect(await driver().list()).toEqual([attachment]);
  });

  it('takes the next name when one is taken, by whoever', async () => {
    await stage.beginWith();
    await stage.store.write(`/libxl/${STUBDOM}/device/vbd/${XVDZ}`, '');
    await stage.store.write(`${BACKENDS}/${STUBDOM}/${XVDZ - 256}/state`, '4');
    await stage.store.write(`/local/domain/${STUBDOM}/device/vbd/${XVDZ - 512}/state`, '4');
    const { device } = await driver().attach(await stage.backing(), 'memory', toStubdom);
    expect(device).toBe('/dev/xvdw');
  });

  it('gives each of many that are attached at once a name of its own', async () => {
    await stage.beginWith();
    const backings = await Promise.all(
      Array.from({ length: 10 }, (_, index) => stage.backing(`transfer-${index}.img`)),
    );
    const devices = await Promise.all(
      backings.map(async (backing) => (await driver().attach(backing, 'memory', toStubdom)).device),
    );
    expect(devices.sort()).toEqual([...'qrstuvwxyz'].map((letter) => `/dev/xvd${letter}`));
    expect(await rejectionOf(driver().attach(await stage.backing(), 'memory', toStubdom))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'no virtual device is free',
      details: { where: 'domain 7', expected: 'one of xvdq to xvdz', found: 'each of them taken' },
    });
    expect(loopsOver(stage.place(''))).toHaveLength(10);
  });

  it('uses a block device as it is', async () => {
    await stage.beginWith();
    const file = await stage.backing();
    const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    const attachment = await driver().attach(device, 'block', toStubdom);
    expect(attachment).toMatchObject({ backing: device, vbd: { node: device } });
    expect(await driver().detach(attachment)).toEqual({});
    expect(loopsOver(stage.place(''))).toEqual([device]);
  });

  it('needs a stubdom, and one that is there', async () => {
    await stage.begin();
    const backing = await stage.backing();
    expect(await rejectionOf(driver().attach(backing, 'memory'))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'there is no stubdom to attach the transfer disk to',
    });
    expect(await rejectionOf(driver().attach(backing, 'memory', { stubdom: 99 }))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'there is no such domain',
      details: { where: 'domain 99', found: 'no /local/domain/99' },
    });
    expect(await stage.store.directory('/local/domain/99')).toBeUndefined();
    expect(loopsOver(stage.place(''))).toEqual([]);
  });

  it.each([
    ['has no frontend', 'initialising', 'frontend Initialising (1), backend InitWait (2)'],
    ['has one that stands still', 'initialised', 'frontend Initialised (3), backend Connected (4)'],
  ] as const)(
    'gives up a stubdom that %s, says where both ends stood, and leaves nothing',
    async (_what, stopsAt, states) => {
      await stage.beginWith({ stopsAt });
      const work = driver({ ...PATIENT, connectMs: 300 }).attach(await stage.backing(), 'memory', toStubdom);
      expect(await rejectionOf(work)).toMatchObject({
        code: 'ATTACH_FAILED',
        message: 'the transfer disk did not connect',
        details: {
          where: 'xvdz of domain 7',
          expected: 'both ends Connected (4)',
          found: `${states} after 300 ms`,
          hint: 'the stubdom does not take the disk: does its kernel run, and has it xen-blkfront?',
        },
      });
      await expectNothing();
    },
  );

  it('says when dom0 serves no vbds', async () => {
    await stage.begin();
    const work = driver({ ...PATIENT, connectMs: 100 }).attach(await stage.backing(), 'memory', toStubdom);
    expect(await rejectionOf(work)).toMatchObject({
      details: {
        found: 'frontend Initialising (1), backend Initialising (1) after 100 ms',
        hint: 'dom0 serves no vbds: modprobe xen-blkback',
      },
    });
  });

  it.each([
    ['closes its end', (): Promise<void> => stage.inStubdom.write(`${FRONTEND}/state`, '6'), 'frontend Closed (6)'],
    ['removes its end', (): Promise<void> => stage.inStubdom.remove(FRONTEND), 'frontend gone'],
    ['ends', (): Promise<void> => stage.xenstored.release(STUBDOM), 'frontend gone'],
  ])('does not wait any longer for a stubdom that %s', async (_what, act, found) => {
    await stage.begin();
    const work = rejectionOf(driver().attach(await stage.backing(), 'memory', toStubdom));
    await waitForDevice(FRONTEND);
    await act();
    expect(await work).toMatchObject({
      code: 'ATTACH_FAILED',
      details: { found: `${found}, backend Initialising (1)` },
    });
    await expectNothing();
  });

  it("does not wait any longer for dom0's end when that has given up, though the stubdom does nothing", async () => {
    await stage.begin();
    const work = rejectionOf(driver().attach(await stage.backing(), 'memory', toStubdom));
    await waitForDevice(FRONTEND);
    await stage.store.write(`${BACKEND}/state`, '5');
    expect(await work).toMatchObject({
      code: 'ATTACH_FAILED',
      details: {
        found: 'frontend Initialising (1), backend Closing (5)',
        hint: "dom0's end has given up: see dom0's kernel log (dmesg)",
      },
    });
    await expectNothing();
  });

  it.each([
    ['text that is no state', 'connected'],
    ['a number that is none', '44'],
    ['bytes that are no text', Uint8Array.of(0xff)],
    ['nothing', ''],
  ])('takes %s from the stubdom for what it is', async (_what, value) => {
    await stage.begin();
    const work = driver({ ...PATIENT, connectMs: 300 }).attach(await stage.backing(), 'memory', toStubdom);
    const reason = rejectionOf(work);
    await waitForDevice(FRONTEND);
    await stage.inStubdom.write(`${FRONTEND}/state`, value);
    expect(await reason).toMatchObject({
      details: { found: 'frontend invalid, backend Initialising (1) after 300 ms' },
    });
    await expectNothing();
  });

  it('does not take the word of a stubdom that says Connected before dom0 serves the disk', async () => {
    await stage.begin();
    const work = rejectionOf(driver({ ...PATIENT, connectMs: 500 }).attach(await stage.backing(), 'memory', toStubdom));
    await waitForDevice(FRONTEND);
    await stage.inStubdom.write(`${FRONTEND}/state`, '4');
    expect(await work).toMatchObject({
      code: 'ATTACH_FAILED',
      details: { found: 'frontend Connected (4), backend Initialising (1) after 500 ms' },
    });
    await expectNothing();
  });

  it('waits for the backend behind a frontend that is Connected before it', async () => {
    await stage.begin();
    const work = driver().attach(await stage.backing(), 'memory', toStubdom);
    await waitForDevice(FRONTEND);
    await stage.inStubdom.write(`${FRONTEND}/state`, '4');
    await stage.store.write(`${BACKEND}/state`, '2');
    await stage.store.write(`${BACKEND}/state`, '4');
    expect(await work).toMatchObject({ device: '/dev/xvdz' });
  });

  it('takes back a vbd whose making was done and not answered', async () => {
    await stage.begin();
    const work = xenDriver(losingAnAnswer(stage.store), PATIENT).attach(await stage.backing(), 'memory', toStubdom);
    expect(await rejectionOf(work)).toMatchObject({ code: 'XENSTORE_GONE' });
    await expectNothing();
  });

  it('can be broken off while it waits, and leaves nothing', async () => {
    await stage.begin();
    const abort = new AbortController();
    const work = driver().attach(await stage.backing(), 'memory', { ...toStubdom, signal: abort.signal });
    work.catch(() => undefined);
    await waitForDevice(FRONTEND);
    abort.abort(new Error('not wanted any more'));
    await expect(work).rejects.toThrow('not wanted any more');
    await expectNothing();
  });

  it('asks the stubdom to let go, and removes all when it has', async () => {
    await stage.beginWith();
    const backing = await stage.backing();
    const attachment = await driver().attach(backing, 'memory', toStubdom);
    const states: string[] = [];
    await stage.store.watch(`${BACKEND}/state`, async (path) => {
      const state = await stage.store.read(path);
      if (state !== undefined) states.push(state);
    });
    await until(() => states.length === 1);
    expect(await driver().detach(attachment)).toEqual({});
    await until(() => states.includes('6'));
    expect(states).toEqual(['4', '5', '6']);
    await expectNothing();
    expect(await driver().list()).toEqual([]);
  });

  it('takes the disk from a stubdom that keeps it, and says so', async () => {
    await stage.beginWith({ keeps: true });
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    expect(await driver({ ...PATIENT, closeMs: 200 }).detach(attachment)).toEqual({
      forced: 'frontend Connected (4), backend Closing (5) after 200 ms of closing',
    });
    await expectNothing();
  });

  it('takes it back from a stubdom that has ended', async () => {
    await stage.beginWith();
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    await stage.xenstored.release(STUBDOM);
    expect(await driver().detach(attachment)).toEqual({});
    await expectNothing();
  });

  it('detaches what is gone already, and what is there half', async () => {
    await stage.beginWith();
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    await stage.store.remove(BACKEND);
    expect(await driver().detach(attachment)).toEqual({});
    expect(await driver().detach(attachment)).toEqual({});
    await expectNothing();
  });

  it('leaves alone what is at that place, but is of another backing or of somebody else', async () => {
    await stage.beginWith();
    const [old, mine] = [await stage.backing('old.img'), await stage.backing('mine.img')];
    const attached = await driver().attach(mine, 'memory', toStubdom);
    await driver().detach({ ...attached, backing: old });
    expect(await driver().list()).toEqual([attached]);

    await stage.store.remove(`${BACKEND}/stubferry`);
    await driver().detach(attached);
    expect(await stage.store.read(`${BACKEND}/state`)).toBe('4');
    expect(await driver().list()).toEqual([]);
    expect(await driver().orphans(stage.place(''))).toEqual([]);
  });

  it('has left over what no living agent owns: vbds, and loop devices that have none', async () => {
    await stage.beginWith();
    const [whole, half] = [await stage.backing('whole.img'), await stage.backing('half.img')];
    const attachment = await driver().attach(whole, 'memory', toStubdom);
    const loop = execFileSync('losetup', ['--find', '--show', half], { encoding: 'utf8' }).trim();
    const here = async (): Promise<unknown> => {
      return (await driver().orphans(stage.place(''))).sort((one, two) => two.backing.localeCompare(one.backing));
    };
    expect(await here()).toEqual([]);
    await stage.agentsDie();
    expect(await here()).toEqual([attachment, { device: loop, backing: half }]);
    for (const orphan of await driver().orphans(stage.place(''))) await driver().detach(orphan);
    await expectNothing();
  });

  it('finds the vbd of a backing by its mark, when a journal knows of none', async () => {
    await stage.beginWith();
    const { backing, device } = await driver().attach(await stage.backing(), 'memory', toStubdom);
    await driver().detach({ backing, device });
    await expectNothing();
  });

  async function waitForDevice(path: string): Promise<void> {
    let isThere = false;
    const watch = await stage.store.watch(path, async () => {
      isThere ||= (await stage.store.read(path)) !== undefined;
    });
    await until(() => isThere);
    await watch.close();
  }
});
