/**
 * Measures how long a toolstack waits, from its save command to the reply: through the proxy, which replies when dom0
 * has committed the state, and with the same command that writes to a plain file. Both take turns with one QEMU. The
 * dom0 agent waits on its disk, as it does with the save hook of `xl save`.
 */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startAgent } from './processes.js';
import { Client, hasQemu, waitForDevice, withQemu } from './qemu.js';
import type { ProxyResult } from './results.js';

const SAMPLES = 30;
/** A delay after which every agent polls at the slowest step of its poll back-off, in milliseconds. */
const SETTLE_MS = 300;

/** Measures both ways. @returns undefined when QEMU is not installed */
export async function proxyLatency(folder: string): Promise<ProxyResult | undefined> {
  if (!hasQemu()) return undefined;
  const [direct, proxied] = [join(folder, 'qmp2'), join(folder, 'qmp')];
  const [listen, disk] = [join(folder, 'proxy'), join(folder, 'proxy.img')];
  const shape = ['send-configuration=off', 'send-section-footer=off', 'store-global-state=off'];
  const globals = shape.flatMap((setting) => ['-global', `migration.${setting}`]);
  const devices = ['-vga', 'std', '-device', 'e1000,romfile=', '-device', 'piix3-usb-uhci', '-device', 'usb-tablet'];
  return withQemu([proxied, direct], ['-machine', 'pc', ...devices, ...globals], async () => {
    const proxy = startAgent('stubdom', ['--disk', disk, '--qmp', proxied, '--qmp-proxy', listen]);
    proxy.report.catch(() => undefined);
    try {
      await waitForDevice(listen);
      return await samples(folder, disk, direct, listen);
    } finally {
      proxy.child.kill('SIGTERM');
      await once(proxy.child, 'exit');
    }
  });
}

async function samples(folder: string, disk: string, qmp: string, listen: string): Promise<ProxyResult> {
  const direct = await Client.open(qmp);
  await direct.command('stop');
  const plainFile: number[] = [];
  const proxy: number[] = [];
  let bytes = 0;
  for (let index = 0; index < SAMPLES; index += 1) {
    const file = join(folder, `plain.${index}`);
    plainFile.push(await direct.command('xen-save-devices-state', { filename: file, live: false }));
    bytes = statSync(file).size;
    const dom0 = startAgent('dom0', ['--disk', disk, '--raw', '--save', join(folder, `proxy.${index}`)]);
    await dom0.ready;
    const toolstack = await Client.open(listen);
    await delay(SETTLE_MS);
    proxy.push(await toolstack.command('xen-save-devices-state', { filename: '/dev/fdset/1', live: false }));
    toolstack.close();
    await dom0.report;
  }
  direct.close();
  return { bytes, plainFile, proxy };
}
