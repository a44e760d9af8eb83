/**
 * A QEMU process that emulates a machine with AMD's virtualisation and runs Xen on it.
 *
 *     /dev/vda   dom0's root disk. Writes are discarded when the machine ends, so that several labs can use the file
 *     /dev/vdb.. cargo: tar archives that are unpacked in dom0
 *     share      a directory of the host, which is /host in dom0 (9p)
 *     port       the virtio-serial port of dom0's command server
 *     serial     the consoles of Xen and dom0, in a file
 *
 * QEMU is killed when the process that started it ends for any reason.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artefacts } from '../build/artefacts.js';
import { PORT_NAME } from '../dom0/wire.js';
import { clockEnvironment, clockOrphans, type EmulatedClock } from './emulated-clock.js';

/** The memory of the machine and of dom0, in MiB. dom0's memory is fixed, so that the rest is free for guests. */
const MACHINE_MEBIBYTES = 2560;
const DOM0_MEBIBYTES = 832;
const CPUS = 2;

/**
 * dom0 has one processor. Each loaded module and each code patch stops all processors. On a busy machine, two
 * processors that wait for each other stand still for seconds: side by side, dom0 was up after 54 s with two
 * processors, and after 11 s with one.
 */
const DOM0_CPUS = 1;

/**
 * The emulated processor. `-cpu max` of QEMU 7.2 crashes dom0 at boot. With +nrip-save QEMU only warns, because it
 * cannot emulate it. Without +rdrand, which every current processor has, Node waits for the random numbers of the
 * kernel: 7 to 27 s from the start of a domain.
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

  /** How QEMU ended; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The path of the socket at the other end of dom0's port. */
  get port(): string {
    return join(this.#folder, 'port');
  }

  /** The path of the directory that is /host in dom0. */
  get share(): string {
    return join(this.#folder, 'share');
  }

  serial(): Promise<string> {
    return readFile(join(this.#folder, 'serial.log'), 'latin1').catch(() => '');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
    for (const path of clockOrphans(this.#child.pid ?? 0)) await rm(path, { force: true });
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
