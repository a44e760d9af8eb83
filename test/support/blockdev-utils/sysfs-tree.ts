/**
 * A directory tree like sysfs and /dev of a stubdom, in which a test attaches and detaches disks. Each node is a
 * symbolic link to a target that the test chooses.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { FrontendDirectories } from '../../../src/blockdev-utils/index.js';

export class SysfsTree {
  readonly directories: FrontendDirectories;
  readonly #devices: string;

  /** @param directory an empty directory, which the test removes at its end */
  constructor(directory: string) {
    this.directories = { devices: join(directory, 'bus'), nodes: join(directory, 'dev') };
    this.#devices = join(directory, 'devices');
    for (const path of [this.directories.devices, this.directories.nodes, this.#devices]) mkdirSync(path);
  }

  node(name: string): string {
    return join(this.directories.nodes, name);
  }

  /** Attaches a device without a disk, as it exists before its disk appears. */
  attachDevice(device: string): string {
    // Directories of detached devices remain, because file systems other than sysfs reuse inode numbers.
    const directory = mkdtempSync(join(this.#devices, `${device}-`));
    symlinkSync(directory, join(this.directories.devices, device));
    return directory;
  }

  attach(device: string, disk: string, target: string): void {
    mkdirSync(join(this.attachDevice(device), 'block', disk), { recursive: true });
    symlinkSync(target, this.node(disk));
  }

  detach(device: string, disk: string): void {
    this.removeNode(disk);
    rmSync(join(this.directories.devices, device));
  }

  removeNode(disk: string): void {
    rmSync(this.node(disk));
  }
}
