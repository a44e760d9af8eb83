/**
 * QEMU that emulates a machine with AMD's virtualisation in software, and Xen on it.
 *
 *     /dev/vda   dom0's root disk; what is written there is gone with the machine, so that labs share it
 *     /dev/vdb.. cargo: tar archives, to be unpacked in dom0
 *     share      a folder of the host, dom0's /host (9p)
 *     port       dom0's command server
 *     serial     Xen's console and dom0's, in a file
 *
 * QEMU ends with the process that started it, however that ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artefacts } from '../build/artefacts.js';
import { PORT_NAME } from '../dom0/wire.js';
import { clockEnvironment, clockLeftovers, type EmulatedClock } from './emulated-clock.js';

/** Xen gets all of it but what QEMU needs; dom0's is set, so that guests find the rest free. */
const MACHINE_MEBIBYTES = 2560;
const DOM0_MEBIBYTES = 832;
const CPUS = 2;

/**
 * Of dom0, one: each module that is loaded and each code that is patched stops all of them, and two that wait for each
 * other on a busy machine stand for seconds (dom0 was up after 54 s with two, after 11 s with one, side by side).
 */
const DOM0_CPUS = 1;

/**
 * `-cpu max` of QEMU 7.2 crashes dom0 at boot; with +nrip-save it only warns, as it cannot emulate that. Without +rdrand, as no
 * processor of today is, Node waits for the kernel's random numbers: 7 to 27 s from the start of a domain.
 */
const CPU = 'qemu64,+svm,+npt,+rdrand';

export class EmulatedMachine {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly ended: Promise<string>;
  #end: string | undefined;

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#child = child;
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#end ??= how;
        resolve(how);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (status, signal) => end(`QEMU ended with ${status ?? signal}`));
    });
  }

  static start(folder: string, artefacts: Artefacts, cargo: readonly string[], clock: EmulatedClock): EmulatedMachine {
    mkdirSync(join(folder, 'share'), { recursive: true });
    const log = openSync(join(folder, 'qemu.log'), 'w');
    const command = ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...commandLine(folder, artefacts, cargo)];
    const env = { ...process.env, ...clockEnvironment(clock) };
    const child = spawn('setpriv', command, { stdio: ['ignore', log, log], cwd: folder, env });
    closeSync(log);
    return new EmulatedMachine(folder, child);
  }

  /** How it ended, if it has. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The socket that is the other end of dom0's port. */
  get port(): string {
    return join(this.#folder, 'port');
  }

  /** The folder that dom0 has as /host. */
  get share(): string {
    return join(this.#folder, 'share');
  }

  serial(): Promise<string> {
    return readFile(join(this.#folder, 'serial.log'), 'latin1').catch(() => '');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
    for (const path of clockLeftovers(this.#child.pid ?? 0)) await rm(path, { force: true });
  }
}

function commandLine(folder: string, { xen, kernel, initramfs, disk }: Artefacts, cargo: readonly string[]): string[] {
  const xenOptions = [
    ...['console=com1', 'com1=115200,8n1', 'loglvl=all', 'guest_loglvl=all', 'noreboot', 'bootscrub=0'],
    ...[`dom0_mem=${DOM0_MEBIBYTES}M,max:${DOM0_MEBIBYTES}M`, `dom0_max_vcpus=${DOM0_CPUS}`],
  ];
  const linuxOptions = ['console=hvc0', 'earlyprintk=xen', 'mitigations=off', 'panic=0', 'oops=panic'];
  return [
    ...['-name', 'stubferry-xen-lab', '-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'q35'],
    ...['-accel', 'tcg,thread=multi', '-cpu', CPU, '-smp', `${CPUS}`, '-m', `${MACHINE_MEBIBYTES}M`],
    ...['-kernel', xen, '-append', xenOptions.join(' '), '-initrd', `${kernel} ${linuxOptions.join(' ')},${initramfs}`],
    ...drive('root', disk, 'snapshot=on,cache=unsafe'),
    ...cargo.flatMap((path, index) => drive(`cargo${index}`, path, 'readonly=on')),
    ...['-fsdev', `local,id=share,path=${join(folder, 'share')},security_model=none`],
    ...['-device', 'virtio-9p-pci,fsdev=share,mount_tag=host', '-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=port,path=${join(folder, 'port')},server=on,wait=off`],
    ...['-device', `virtserialport,chardev=port,name=${PORT_NAME}`, '-serial', `file:${join(folder, 'serial.log')}`],
  ];
}

function drive(id: string, file: string, options: string): string[] {
  return ['-drive', `id=${id},file=${file},format=raw,if=none,${options}`, '-device', `virtio-blk-pci,drive=${id}`];
}
