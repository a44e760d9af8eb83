/**
 * The part of xl that the driver uses, with libxl's part in xenstore (libxl_disk.c, libxl_device.c): what it writes,
 * what it waits for, and the hotplug script, which it runs for real. The real xl needs a hypervisor; the lab uses it.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { backendPath, frontendPath, libxlPath } from '../../../src/xen/hotplug/vbd-paths.js';
import { VIRTUAL_DEVICES, virtualDeviceName } from '../../../src/xen/hotplug/virtual-device.js';
import type { RunXl } from '../../../src/xen/hotplug/xl.js';
import type { XenstoreClient } from '../../../src/xen/xenstore/index.js';

export interface FakeXl {
  readonly run: RunXl;
  /** The command lines so far. */
  readonly commands: string[];
}

export interface FakeXlOptions {
  readonly store: XenstoreClient;
  /** The socket of xenstored, for the script. */
  readonly socket: string;
  readonly libxlDir: string;
  readonly uuid: string;
  /** The error of block-detach; without it the detach succeeds. */
  readonly detachError?: string;
}

export function fakeXl({ store, socket, libxlDir, uuid, detachError }: FakeXlOptions): FakeXl {
  const commands: string[] = [];
  const untilState = async (path: string, wanted: string): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      void store
        .watch(path, async () => {
          if ((await store.read(path)) === wanted) resolve();
        })
        .catch(reject);
    });
  };
  const attach = async (stubdom: number, spec: string): Promise<void> => {
    const [, vdev = '', script = '', target = ''] =
      /^format=raw,access=rw,vdev=([^,]+),script=([^,]+),target=(.+)$/.exec(spec) ?? [];
    const number = VIRTUAL_DEVICES.find((one) => virtualDeviceName(one) === vdev);
    if (number === undefined) throw new Error(`libxl: error: Invalid disk: ${spec}`);
    if (!existsSync(join(libxlDir, `userdata-d.${stubdom}.${uuid}.libxl-json`)))
      throw new Error('libxl: error: ERROR_JSON_CONFIG_EMPTY');
    const vbd = { stubdom, number };
    const [frontend, backend] = [frontendPath(vbd), backendPath(vbd)];
    await store.transaction(async (tx) => {
      await store.write(`${libxlPath(vbd)}/backend`, backend, tx);
      await store.mkdir(frontend, tx);
      await store.setPermissions(frontend, { owner: stubdom, domains: [{ domid: 0, read: true, write: false }] }, tx);
      await store.mkdir(backend, tx);
      await store.setPermissions(backend, { owner: 0, domains: [{ domid: stubdom, read: true, write: false }] }, tx);
      for (const [name, value] of Object.entries({
        backend,
        'backend-id': '0',
        state: '1',
        'virtual-device': `${number}`,
      }))
        await store.write(`${frontend}/${name}`, value, tx);
      for (const [name, value] of Object.entries({
        frontend,
        'frontend-id': `${stubdom}`,
        online: '1',
        params: target,
        script,
        state: '1',
      }))
        await store.write(`${backend}/${name}`, value, tx);
    });
    await untilState(`${backend}/state`, '2');
    const env = { ...process.env, XENSTORED_PATH: socket, XENBUS_PATH: `backend/vbd/${stubdom}/${number}` };
    await promisify(execFile)(script, ['add'], { env }).catch(async () => {
      throw new Error(`libxl: error: script: ${await store.read(`${backend}/hotplug-error`)}`);
    });
  };
  const detach = async (stubdom: number, vdev: string): Promise<void> => {
    if (detachError !== undefined) throw new Error(detachError);
    const vbd = { stubdom, number: VIRTUAL_DEVICES.find((one) => virtualDeviceName(one) === vdev) ?? 0 };
    const backend = backendPath(vbd);
    if ((await store.read(libxlPath(vbd))) === undefined) throw new Error(`Error: Device ${vdev} not connected.`);
    await store.write(`${backend}/online`, '0');
    await store.write(`${backend}/state`, '5');
    await untilState(`${backend}/state`, '6');
    for (const path of [frontendPath(vbd), backend, libxlPath(vbd)]) await store.remove(path);
  };
  return {
    commands,
    run: async (args, { withinMs, signal }) => {
      commands.push(args.join(' '));
      const [command, domid = '', what = ''] = args;
      const work = command === 'block-attach' ? attach(Number(domid), what) : detach(Number(domid), what);
      let timer: NodeJS.Timeout | undefined;
      const ended = new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        timer = setTimeout(() => reject(new Error('killed')), withinMs);
      });
      await Promise.race([work, ended]).finally(() => clearTimeout(timer));
    },
  };
}
