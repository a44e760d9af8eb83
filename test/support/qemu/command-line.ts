/**
 * QEMU's command line for a machine like the device model of a Xen guest: the same devices, the same state format, and
 * RAM outside of QEMU's state.
 */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootSector } from './boot-sector.js';
import { memoryArguments } from './guest-memory.js';

export const QEMU = 'qemu-system-x86_64';

/** Options of a machine. */
export interface MachineOptions {
  /** The directory of its sockets, serial port and log. */
  readonly folder: string;
  /** The base name of these files, unique in the directory. */
  readonly name: string;
  /** QEMU's arguments for the machine type and the devices. */
  readonly machine: readonly string[];
  /** QEMU's arguments for the boot medium. The default is a disk with the counting boot sector. */
  readonly boot?: readonly string[];
  /** The file of its RAM, if it continues another machine. The default is a new file. */
  readonly memory?: string;
  readonly mebibytes?: number;
  /** The argument of `-incoming`, for a machine that waits for a state instead of booting. */
  readonly incoming?: string;
  /** Does not run before it receives `cont`. */
  readonly paused?: boolean;
  /** Uses QEMU's default state format, which includes the machine type, instead of the format used under Xen. */
  readonly configuration?: boolean;
  /** How long a test waits for an event of this machine, in milliseconds; a slow guest needs more than the default. */
  readonly waitMs?: number;
  /** Open descriptors that it inherits as 3, 4, ... */
  readonly descriptors?: readonly number[];
}

/**
 * The settings that QEMU uses with the Xen accelerator, and no `apic.vapic`, a device that exists with TCG but not with
 * Xen.
 */
const XEN_SETTINGS = [
  ...['-global', 'migration.send-configuration=off'],
  ...['-global', 'migration.send-section-footer=off'],
  ...['-global', 'migration.store-global-state=off'],
  ...['-global', 'apic.vapic=off'],
];

const BOOT_DISK_BYTES = 1 << 20;

/** The path of a machine's file: `qmp` and `monitor` (sockets), `serial`, `log` or `disk`. */
export function fileOf({ folder, name }: MachineOptions, suffix: string): string {
  return join(folder, `${name}.${suffix}`);
}

/** Returns the arguments of {@link QEMU} and writes the boot disk. */
export function commandLine(options: MachineOptions, memory: string): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-accel', 'tcg'],
    ...['-qmp', `unix:${fileOf(options, 'qmp')},server=on,wait=off`],
    ...['-qmp', `unix:${fileOf(options, 'monitor')},server=on,wait=off`],
    ...['-serial', `file:${fileOf(options, 'serial')}`],
    ...memoryArguments(memory, options.mebibytes ?? 16),
    ...(options.configuration === true ? [] : XEN_SETTINGS),
    ...options.machine,
    ...(options.boot ?? bootDisk(fileOf(options, 'disk'))),
    ...(options.incoming === undefined ? [] : ['-incoming', options.incoming]),
    ...(options.paused === true ? ['-S'] : []),
  ];
}

/**
 * Writes a disk with the boot sector. Guest writes are discarded. It has 1 MiB because SeaBIOS reads no tiny AHCI disk.
 */
function bootDisk(path: string): string[] {
  writeFileSync(path, bootSector());
  truncateSync(path, BOOT_DISK_BYTES);
  return ['-drive', `file=${path},format=raw,if=ide,index=0,media=disk,snapshot=on`];
}
