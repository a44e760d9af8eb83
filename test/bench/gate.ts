/**
 * What a toolstack waits for: from its save command to the reply, through the gate (dom0 has committed the state) and against
 * the same command writing to a plain file. One QEMU, in turn. Dom0's agent waits on its disk, as the hook around
 * `xl save` would have it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { isInstalled } from './machine.js';
import { now, startAgent } from './processes.js';
import type { GateResult } from './results.js';

const QEMU = 'qemu-system-x86_64';
const SAMPLES = 30;
/** Long enough that every agent is on the idle step of its waiting ladder. */
const SETTLE_MS = 300;

/** Undefined where there is no QEMU. */
export async function gateLatency(folder: string): Promise<GateResult | undefined> {
  if (!isInstalled(QEMU)) return undefined;
  const [qmp, listen, disk] = [join(folder, 'qmp'), join(folder, 'gate'), join(folder, 'gate.img')];
  const shape = ['send-configuration=off', 'send-section-footer=off', 'store-global-state=off'];
  const globals = shape.flatMap((setting) => ['-global', `migration.${setting}`]);
  const devices = ['-vga', 'std', '-device', 'e1000,romfile=', '-device', 'piix3-usb-uhci', '-device', 'usb-tablet'];
  const machine = ['-nodefaults', '-machine', 'pc', '-display', 'none', ...devices, ...globals];
  const sockets = [qmp, join(folder, 'qmp2')].flatMap((path) => ['-qmp', `unix:${path},server=on,wait=off`]);
  const qemu = spawn(QEMU, [...machine, ...sockets], { stdio: 'ignore' });
  try {
    await untilThere(qmp);
    const gate = startAgent('stubdom', ['--disk', disk, '--qmp', qmp, '--gate', listen]);
    gate.report.catch(() => undefined);
    try {
      await untilThere(listen);
      return await samples(folder, disk, join(folder, 'qmp2'), listen);
    } finally {
      gate.child.kill('SIGTERM');
      await once(gate.child, 'exit');
    }
  } finally {
    qemu.kill('SIGKILL');
    await once(qemu, 'exit');
  }
}

async function samples(folder: string, disk: string, qmp: string, listen: string): Promise<GateResult> {
  const direct = await Client.open(qmp);
  await direct.command('stop');
  const plainFile: number[] = [];
  const gate: number[] = [];
  let bytes = 0;
  for (let index = 0; index < SAMPLES; index += 1) {
    const file = join(folder, `plain.${index}`);
    plainFile.push(await direct.command('xen-save-devices-state', { filename: file, live: false }));
    bytes = statSync(file).size;
    const dom0 = startAgent('dom0', ['--disk', disk, '--raw', '--save', join(folder, `gate.${index}`)]);
    await dom0.ready;
    const toolstack = await Client.open(listen);
    await delay(SETTLE_MS);
    gate.push(await toolstack.command('xen-save-devices-state', { filename: '/dev/fdset/1', live: false }));
    toolstack.close();
    await dom0.report;
  }
  direct.close();
  return { bytes, plainFile, gate };
}

/** A QMP client that does nothing but wait for its reply. */
class Client {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async open(path: string): Promise<Client> {
    const socket = connect({ path });
    await once(socket, 'connect');
    const client = new Client(socket);
    await client.#lines.next();
    await client.command('qmp_capabilities');
    return client;
  }

  /** @returns milliseconds until the reply. @throws what QEMU says is wrong */
  async command(execute: string, args: object = {}): Promise<number> {
    const start = now();
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\r\n`);
    for (;;) {
      const { value } = await this.#lines.next();
      const message = JSON.parse(value) as { event?: string; error?: { desc: string } };
      if (message.error !== undefined) throw new Error(`${execute}: ${message.error.desc}`);
      if (message.event === undefined) return now() - start;
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

const PATIENCE_MS = 10_000;

async function untilThere(path: string): Promise<void> {
  for (const deadline = now() + PATIENCE_MS; !existsSync(path); await delay(5)) {
    if (now() > deadline) throw new Error(`${path} did not come`);
  }
}
