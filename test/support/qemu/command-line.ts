/**
 * QEMU's command line for a machine shaped like the device model of a Xen guest: the same devices, the same
 * format of a state, and RAM that is somebody else's.
 */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootSector } from './boot-sector.js';
import { memoryArguments } from './guest-memory.js';

export const QEMU = 'qemu-system-x86_64';

export interface MachineOptions {
  /** Where its sockets, serial port and log are. */
  readonly folder: string;
  /** Names these files; unique in the folder. */
  readonly name: string;
  /** The machine type and the devices, as QEMU's arguments. */
  readonly machine: readonly string[];
  /** What it boots, as QEMU's arguments; without, a disk with the counting boot sector. */
  readonly boot?: readonly string[];
  /** The file that is its RAM: that of the machine it goes on from. Without, a new one. */
  readonly memory?: string;
  readonly mebibytes?: number;
  /** What it waits for instead of booting: the argument of `-incoming`. */
  readonly incoming?: string;
  /** Does not run before it is told `cont`. */
  readonly paused?: boolean;
  /** Writes and expects what QEMU does by itself, the machine type among it, and not what it does under Xen. */
  readonly configuration?: boolean;
  /** How long a test waits for anything of it; it has to be more on a guest that takes its time. */
  readonly waitMs?: number;
  /** Open descriptors it inherits, as 3, 4, ... */
  readonly descriptors?: readonly number[];
}

/** What QEMU sets by itself on the Xen accelerator; and `apic.vapic`, a device that TCG has and Xen has not. */
const XEN_SHAPE = [
  ...['-global', 'migration.send-configuration=off'],
  ...['-global', 'migration.send-section-footer=off'],
  ...['-global', 'migration.store-global-state=off'],
  ...['-global', 'apic.vapic=off'],
];

const BOOT_DISK_BYTES = 1 << 20;

/** Where a machine has its `qmp` and `monitor` sockets, its `serial` port, its `log` and its `disk`. */
export function fileOf({ folder, name }: MachineOptions, suffix: string): string {
  return join(folder, `${name}.${suffix}`);
}

/** Arguments of {@link QEMU}; writes what the machine boots from. */
export function commandLine(options: MachineOptions, memory: string): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-accel', 'tcg'],
    ...['-qmp', `unix:${fileOf(options, 'qmp')},server=on,wait=off`],
    ...['-qmp', `unix:${fileOf(options, 'monitor')},server=on,wait=off`],
    ...['-serial', `file:${fileOf(options, 'serial')}`],
    ...memoryArguments(memory, options.mebibytes ?? 16),
    ...(options.configuration === true ? [] : XEN_SHAPE),
    ...options.machine,
    ...(options.boot ?? bootDisk(fileOf(options, 'disk'))),
    ...(options.incoming === undefined ? [] : ['-incoming', options.incoming]),
    ...(options.paused === true ? ['-S'] : []),
  ];
}

/** A disk with the boot sector; what the guest would write to it is thrown away. SeaBIOS reads no tiny AHCI disk. */
function bootDisk(path: string): string[] {
  writeFileSync(path, bootSector());
  truncateSync(path, BOOT_DISK_BYTES);
  return ['-drive', `file=${path},format=raw,if=ide,index=0,media=disk,snapshot=on`];
}
