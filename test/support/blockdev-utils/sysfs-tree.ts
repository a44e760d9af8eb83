/** A tree like sysfs and /dev of a stubdom, in which disks are attached and detached. The nodes lead to what the test says. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { FrontendPlaces } from '../../../src/blockdev-utils/index.js';

export class SysfsTree {
  readonly places: FrontendPlaces;
  readonly #all: string;

  /** @param folder an empty one, gone after the test */
  constructor(folder: string) {
    this.places = { devices: join(folder, 'bus'), nodes: join(folder, 'dev') };
    this.#all = join(folder, 'devices');
    for (const path of [this.places.devices, this.places.nodes, this.#all]) mkdirSync(path);
  }

  node(name: string): string {
    return join(this.places.nodes, name);
  }

  /** The device alone, as long as its disk has not come. */
  attachDevice(device: string): string {
    // What was detached is kept: other file systems than sysfs give an inode's number again.
    const folder = mkdtempSync(join(this.#all, `${device}-`));
    symlinkSync(folder, join(this.places.devices, device));
    return folder;
  }

  attach(device: string, disk: string, leadsTo: string): void {
    mkdirSync(join(this.attachDevice(device), 'block', disk), { recursive: true });
    symlinkSync(leadsTo, this.node(disk));
  }

  detach(device: string, disk: string): void {
    this.loseNode(disk);
    rmSync(join(this.places.devices, device));
  }

  loseNode(disk: string): void {
    rmSync(this.node(disk));
  }
}
