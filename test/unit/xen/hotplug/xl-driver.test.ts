/** `--attach xl`, with a fake xl and the real hotplug script. The lab uses the real xl. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, jest } from '@jest/globals';
import type { HotplugDriver } from '../../../../src/xen/hotplug/index.js';
import { xlDriver } from '../../../../src/xen/hotplug/xl-driver.js';
import { describeWith, LOOP_DEVICES, type Need, ROOT } from '../../../support/blockdev-utils/as-root.js';
import { type FakeXl, type FakeXlOptions, fakeXl } from '../../../support/hotplug/fake-xl.js';
import { loopsOver, STUBDOM, UUID, XVDZ, xenStage } from '../../../support/hotplug/xen-stage.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

const LONG_TIMEOUTS = { connectMs: 20_000, closeMs: 20_000 };
const BACKENDS = '/local/domain/0/backend/vbd';
const BACKEND = `${BACKENDS}/${STUBDOM}/${XVDZ}`;
const XENSTORE_WRITE: Need = {
  what: 'xenstore-write (apt install xenstore-utils)',
  isThere: existsSync('/usr/bin/xenstore-write'),
};

jest.setTimeout(60_000);

describeWith([...XENSTORED, ROOT, LOOP_DEVICES, XENSTORE_WRITE], 'the xl driver', () => {
  const stage = xenStage();
  const libxlDir = (): string => stage.path('libxl');
  const userdata = (): string => `${libxlDir()}/userdata-d.${STUBDOM}.${UUID}.libxl-json`;
  const toStubdom = { stubdom: STUBDOM };

  function driver(options: Partial<FakeXlOptions> = {}, times = LONG_TIMEOUTS): { driver: HotplugDriver; xl: FakeXl } {
    mkdirSync(libxlDir(), { recursive: true });
    const { store, xenstored } = stage;
    const xl = fakeXl({ store, socket: xenstored.socket, libxlDir: libxlDir(), uuid: UUID, ...options });
    return { driver: xlDriver(store, times, { xl: xl.run, libxlDir: libxlDir() }), xl };
  }

  async function expectNothing(): Promise<void> {
    expect(Object.keys(await stage.tree(`/local/domain/${STUBDOM}/device/vbd`)).filter((path) => path !== '')).toEqual(
      [],
    );
    expect(Object.keys(await stage.tree(BACKENDS)).filter((path) => path.includes('/'))).toEqual([]);
    expect((await stage.store.directory(`/libxl/${STUBDOM}/device/vbd`)) ?? []).toEqual([]);
    expect(readdirSync(libxlDir())).toEqual([]);
    expect(loopsOver(stage.path(''))).toEqual([]);
  }

  it('lets xl attach a loop device, with a script that names it to blkback, and detach it', async () => {
    await stage.beginWithKernels();
    const backing = await stage.backing();
    const { driver: it, xl } = driver();
    const attachment = await it.attach(backing, 'memory', toStubdom);
    const [node = ''] = loopsOver(stage.path(''));
    expect(attachment).toEqual({ device: '/dev/xvdz', backing, vbd: { stubdom: STUBDOM, number: XVDZ, node } });
    expect(await stage.tree(BACKEND)).toMatchObject({
      params: `${node}:${backing}`,
      'hotplug-status': 'connected',
      'physical-device': `7:${(statSync(node).rdev & 0xff).toString(16)}`,
      state: '4',
    });
    expect(await it.list()).toEqual([attachment]);
    expect(await it.detach(attachment)).toEqual({});
    expect(xl.commands).toEqual([
      expect.stringMatching(/^block-attach 7 format=raw,access=rw,vdev=xvdz,script=\/.*\/block-stubferry,target=/),
      'block-detach 7 xvdz',
    ]);
    await expectNothing();
  });

  it('creates the configuration that libxl requires, readable only by root, and removes it', async () => {
    await stage.beginWithKernels();
    const { driver: it } = driver();
    const attachment = await it.attach(await stage.backing(), 'memory', toStubdom);
    expect(statSync(userdata()).mode & 0o777).toBe(0o600);
    const text = readFileSync(userdata(), 'utf8');
    expect(text.endsWith('}\0')).toBe(true);
    expect(JSON.parse(text.slice(0, -1))).toEqual({
      c_info: { type: 'pv', name: 'guest-dm', uuid: UUID },
      b_info: { max_memkb: 262144, target_memkb: 262144, 'type.pv': {} },
    });
    await it.detach(attachment);
    await expectNothing();
  });

  it('does not change an existing configuration', async () => {
    await stage.beginWithKernels();
    const { driver: it } = driver();
    writeFileSync(userdata(), "libxl's own");
    const attachment = await it.attach(await stage.backing(), 'memory', toStubdom);
    await it.detach(attachment);
    expect(readFileSync(userdata(), 'utf8')).toBe("libxl's own");
  });

  it('reports the output of a failing xl, and leaves nothing attached', async () => {
    await stage.begin();
    const { driver: it } = driver({ uuid: '00000000-0000-0000-0000-00000000beef' });
    expect(await rejectionOf(it.attach(await stage.backing(), 'memory', toStubdom))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'xl block-attach failed',
      details: { where: 'xvdz of domain 7', found: 'libxl: error: ERROR_JSON_CONFIG_EMPTY' },
    });
    await expectNothing();
  });

  it('removes what libxl leaves behind when the script fails', async () => {
    await stage.beginWithKernels();
    const { driver: it } = driver({ socket: stage.path('no-xenstored-here') });
    expect(await rejectionOf(it.attach(await stage.backing(), 'memory', toStubdom))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'xl block-attach failed',
      details: { found: 'libxl: error: script: undefined' },
    });
    await expectNothing();
  });

  it('has a script that reports why it rejects a device', async () => {
    await stage.begin();
    await stage.store.write(`${BACKEND}/params`, '/dev/null:/run/transfer.img');
    const env = {
      ...process.env,
      XENSTORED_PATH: stage.xenstored.socket,
      XENBUS_PATH: `backend/vbd/${STUBDOM}/${XVDZ}`,
    };
    const script = fileURLToPath(new URL('../../../../src/service/host/block-stubferry', import.meta.url));
    await expect(promisify(execFile)(script, ['add'], { env })).rejects.toMatchObject({ code: 1 });
    expect(await stage.tree(BACKEND)).toMatchObject({
      'hotplug-error': 'stubferry: /dev/null is not a block device',
      'hotplug-status': 'error',
    });
  });

  it('gives up on a stubdom that does not connect, and leaves nothing attached', async () => {
    await stage.beginWithKernels({ stopsAt: 'initialised' });
    const { driver: it } = driver({}, { ...LONG_TIMEOUTS, connectMs: 500 });
    expect(await rejectionOf(it.attach(await stage.backing(), 'memory', toStubdom))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'the transfer disk did not connect',
    });
    await expectNothing();
  });

  it('removes the vbd itself when xl does not, and reports that', async () => {
    await stage.beginWithKernels();
    const { driver: it } = driver({ detachError: 'libxl: error: unable to remove device' });
    const attachment = await it.attach(await stage.backing(), 'memory', toStubdom);
    expect(await it.detach(attachment)).toEqual({ forced: 'xl block-detach: libxl: error: unable to remove device' });
    await expectNothing();
    expect(await it.detach(attachment)).toEqual({});
  });

  it('finds the orphans of killed agents, and none of the xen driver', async () => {
    await stage.beginWithKernels();
    const { driver: it } = driver();
    const attachment = await it.attach(await stage.backing(), 'memory', toStubdom);
    expect(await it.orphans(stage.path(''))).toEqual([]);
    await stage.killAgents();
    expect(await it.orphans(stage.path(''))).toEqual([attachment]);
    await it.detach(attachment);
    await expectNothing();
  });

  it('rejects a path that would break the disk specification', async () => {
    await stage.begin();
    const backing = await stage.backing('a,b.img');
    const { driver: it } = driver();
    expect(await rejectionOf(it.attach(backing, 'memory', toStubdom))).toMatchObject({
      code: 'ATTACH_FAILED',
      message: 'xl does not accept this path',
      details: { where: backing },
    });
    await expectNothing();
  });
});
