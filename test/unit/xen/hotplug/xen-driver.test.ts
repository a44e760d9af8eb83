/**
 * `--attach xen`: what it writes to xenstore, and how it cooperates with the kernels at both ends. The lab tests the
 * disk itself.
 */
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

const LONG_TIMEOUTS = { connectMs: 20_000, closeMs: 20_000 };
const BACKENDS = '/local/domain/0/backend/vbd';
const BACKEND = `${BACKENDS}/${STUBDOM}/${XVDZ}`;
const FRONTEND = `/local/domain/${STUBDOM}/device/vbd/${XVDZ}`;

jest.setTimeout(60_000);

/** Returns a client whose first transaction is executed, while its caller gets the error of a lost connection. */
function losingFirstReply(store: XenstoreClient): XenstoreClient {
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
  const driver = (times = LONG_TIMEOUTS): HotplugDriver => xenDriver(stage.store, times);
  const toStubdom = { stubdom: STUBDOM };

  /** Asserts that nothing remains attached. */
  async function expectNothing(): Promise<void> {
    expect(await stage.tree(BACKENDS)).toEqual({ '': '' });
    expect(Object.keys(await stage.tree(`/local/domain/${STUBDOM}/device/vbd`)).filter((path) => path !== '')).toEqual(
      [],
    );
    expect(loopsOver(stage.path(''))).toEqual([]);
  }

  it('creates both ends of a vbd that needs no hotplug script, and returns its address', async () => {
    await stage.beginWithKernels();
    const backing = await stage.backing();
    const attachment = await driver().attach(backing, 'memory', toStubdom);
    const [node = ''] = loopsOver(stage.path(''));
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

  it('lets the stubdom write its own end and only read the other one', async () => {
    await stage.beginWithKernels();
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

  it('returns attachments as plain data for the journal', async () => {
    await stage.beginWithKernels();
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    expect(attachmentSchema.parse(JSON.parse(JSON.stringify(attachment)))).toEqual(attachment);
    expect(await driver().list()).toEqual([attachment]);
  });

  it('uses the next name when one is in use by any program', async () => {
    await stage.beginWithKernels();
    await stage.store.write(`/libxl/${STUBDOM}/device/vbd/${XVDZ}`, '');
    await stage.store.write(`${BACKENDS}/${STUBDOM}/${XVDZ - 256}/state`, '4');
    await stage.store.write(`/local/domain/${STUBDOM}/device/vbd/${XVDZ - 512}/state`, '4');
    const { device } = await driver().attach(await stage.backing(), 'memory', toStubdom);
    expect(device).toBe('/dev/xvdw');
  });

  it('uses a separate name for each of many concurrent attachments', async () => {
    await stage.beginWithKernels();
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
      details: { where: 'domain 7', expected: 'one of xvdq to xvdz', found: 'all of them in use' },
    });
    expect(loopsOver(stage.path(''))).toHaveLength(10);
  });

  it('attaches a block device without a loop device', async () => {
    await stage.beginWithKernels();
    const file = await stage.backing();
    const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    const attachment = await driver().attach(device, 'block', toStubdom);
    expect(attachment).toMatchObject({ backing: device, vbd: { node: device } });
    expect(await driver().detach(attachment)).toEqual({});
    expect(loopsOver(stage.path(''))).toEqual([device]);
  });

  it('requires the domain id of an existing stubdom', async () => {
    await stage.begin();
    const backing = await stage.backing();
    expect(await rejectionOf(driver().attach(backing, 'memory'))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'no stubdom to attach the transfer disk to',
    });
    expect(await rejectionOf(driver().attach(backing, 'memory', { stubdom: 99 }))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'no such domain',
      details: { where: 'domain 99', found: 'no /local/domain/99' },
    });
    expect(await stage.store.directory('/local/domain/99')).toBeUndefined();
    expect(loopsOver(stage.path(''))).toEqual([]);
  });

  it.each([
    ['has no frontend', 'initialising', 'frontend Initialising (1), backend InitWait (2)'],
    ['has one that stops connecting', 'initialised', 'frontend Initialised (3), backend Connected (4)'],
  ] as const)(
    'gives up on a stubdom that %s, reports the states of both ends, and leaves nothing attached',
    async (_what, stopsAt, states) => {
      await stage.beginWithKernels({ stopsAt });
      const work = driver({ ...LONG_TIMEOUTS, connectMs: 300 }).attach(await stage.backing(), 'memory', toStubdom);
      expect(await rejectionOf(work)).toMatchObject({
        code: 'ATTACH_FAILED',
        message: 'the transfer disk did not connect',
        details: {
          where: 'xvdz of domain 7',
          expected: 'both ends Connected (4)',
          found: `${states} after 300 ms`,
        },
      });
      await expectNothing();
    },
  );

  it('reports that dom0 has no vbd backend', async () => {
    await stage.begin();
    const work = driver({ ...LONG_TIMEOUTS, connectMs: 100 }).attach(await stage.backing(), 'memory', toStubdom);
    expect(await rejectionOf(work)).toMatchObject({
      details: {
        found: 'frontend Initialising (1), backend Initialising (1) after 100 ms',
        hint: expect.stringContaining('xen-blkback'),
      },
    });
  });

  it.each([
    ['closes its end', (): Promise<void> => stage.inStubdom.write(`${FRONTEND}/state`, '6'), 'frontend Closed (6)'],
    ['removes its end', (): Promise<void> => stage.inStubdom.remove(FRONTEND), 'frontend gone'],
    ['ends', (): Promise<void> => stage.xenstored.release(STUBDOM), 'frontend gone'],
  ])('stops waiting for a stubdom that %s', async (_what, act, found) => {
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

  it('stops waiting when the backend in dom0 has failed, even if the stubdom does nothing', async () => {
    await stage.begin();
    const work = rejectionOf(driver().attach(await stage.backing(), 'memory', toStubdom));
    await waitForDevice(FRONTEND);
    await stage.store.write(`${BACKEND}/state`, '5');
    expect(await work).toMatchObject({
      code: 'ATTACH_FAILED',
      details: {
        found: 'frontend Initialising (1), backend Closing (5)',
        hint: expect.stringContaining('kernel log of dom0'),
      },
    });
    await expectNothing();
  });

  it.each([
    ['text that is not a state', 'connected'],
    ['a number that is not a state', '44'],
    ['bytes that are not text', Uint8Array.of(0xff)],
    ['an empty value', ''],
  ])('treats %s from the stubdom as an invalid state', async (_what, value) => {
    await stage.begin();
    const work = driver({ ...LONG_TIMEOUTS, connectMs: 300 }).attach(await stage.backing(), 'memory', toStubdom);
    const reason = rejectionOf(work);
    await waitForDevice(FRONTEND);
    await stage.inStubdom.write(`${FRONTEND}/state`, value);
    expect(await reason).toMatchObject({
      details: { found: 'frontend invalid, backend Initialising (1) after 300 ms' },
    });
    await expectNothing();
  });

  it('does not trust a stubdom that reports Connected before dom0 serves the disk', async () => {
    await stage.begin();
    const work = rejectionOf(
      driver({ ...LONG_TIMEOUTS, connectMs: 500 }).attach(await stage.backing(), 'memory', toStubdom),
    );
    await waitForDevice(FRONTEND);
    await stage.inStubdom.write(`${FRONTEND}/state`, '4');
    expect(await work).toMatchObject({
      code: 'ATTACH_FAILED',
      details: { found: 'frontend Connected (4), backend Initialising (1) after 500 ms' },
    });
    await expectNothing();
  });

  it('waits for the backend when the frontend is Connected first', async () => {
    await stage.begin();
    const work = driver().attach(await stage.backing(), 'memory', toStubdom);
    await waitForDevice(FRONTEND);
    await stage.inStubdom.write(`${FRONTEND}/state`, '4');
    await stage.store.write(`${BACKEND}/state`, '2');
    await stage.store.write(`${BACKEND}/state`, '4');
    expect(await work).toMatchObject({ device: '/dev/xvdz' });
  });

  it('removes a vbd whose creation was executed but not acknowledged', async () => {
    await stage.begin();
    const work = xenDriver(losingFirstReply(stage.store), LONG_TIMEOUTS).attach(
      await stage.backing(),
      'memory',
      toStubdom,
    );
    expect(await rejectionOf(work)).toMatchObject({ code: 'XENSTORE_GONE' });
    await expectNothing();
  });

  it('can be cancelled while it waits, and leaves nothing attached', async () => {
    await stage.begin();
    const abort = new AbortController();
    const work = driver().attach(await stage.backing(), 'memory', { ...toStubdom, signal: abort.signal });
    work.catch(() => undefined);
    await waitForDevice(FRONTEND);
    abort.abort(new Error('cancelled by the test'));
    await expect(work).rejects.toThrow('cancelled by the test');
    await expectNothing();
  });

  it('asks the stubdom to release the disk, and then removes everything', async () => {
    await stage.beginWithKernels();
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

  it('removes the disk from a stubdom that does not release it, and reports that', async () => {
    await stage.beginWithKernels({ neverCloses: true });
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    expect(await driver({ ...LONG_TIMEOUTS, closeMs: 200 }).detach(attachment)).toEqual({
      forced: 'frontend Connected (4), backend Closing (5) after 200 ms of closing',
    });
    await expectNothing();
  });

  it('detaches from a stubdom that has ended', async () => {
    await stage.beginWithKernels();
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    await stage.xenstored.release(STUBDOM);
    expect(await driver().detach(attachment)).toEqual({});
    await expectNothing();
  });

  it('detaches what is detached already, and what is attached partly', async () => {
    await stage.beginWithKernels();
    const attachment = await driver().attach(await stage.backing(), 'memory', toStubdom);
    await stage.store.remove(BACKEND);
    expect(await driver().detach(attachment)).toEqual({});
    expect(await driver().detach(attachment)).toEqual({});
    await expectNothing();
  });

  it('does not touch a vbd with another backing or of another program', async () => {
    await stage.beginWithKernels();
    const [old, mine] = [await stage.backing('old.img'), await stage.backing('mine.img')];
    const attached = await driver().attach(mine, 'memory', toStubdom);
    await driver().detach({ ...attached, backing: old });
    expect(await driver().list()).toEqual([attached]);

    await stage.store.remove(`${BACKEND}/stubferry`);
    await driver().detach(attached);
    expect(await stage.store.read(`${BACKEND}/state`)).toBe('4');
    expect(await driver().list()).toEqual([]);
    expect(await driver().orphans(stage.path(''))).toEqual([]);
  });

  it('finds the orphans of killed agents: vbds, and loop devices without a vbd', async () => {
    await stage.beginWithKernels();
    const [withVbd, loopOnly] = [await stage.backing('with-vbd.img'), await stage.backing('loop-only.img')];
    const attachment = await driver().attach(withVbd, 'memory', toStubdom);
    const loop = execFileSync('losetup', ['--find', '--show', loopOnly], { encoding: 'utf8' }).trim();
    const orphans = async (): Promise<unknown> => {
      return (await driver().orphans(stage.path(''))).sort((one, two) => two.backing.localeCompare(one.backing));
    };
    expect(await orphans()).toEqual([]);
    await stage.killAgents();
    expect(await orphans()).toEqual([attachment, { device: loop, backing: loopOnly }]);
    for (const orphan of await driver().orphans(stage.path(''))) await driver().detach(orphan);
    await expectNothing();
  });

  it('finds the vbd of a backing by its mark when the journal contains none', async () => {
    await stage.beginWithKernels();
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
