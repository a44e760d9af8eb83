/**
 * Attaches the transfer disk to the stubdom. An attachment belongs to the machine, and outlives the process that made
 * it.
 */
import type { AccessPath } from '../../../src/blockdev-utils/index.js';
import type { Attachment, HotplugDriver } from '../../../src/xen/hotplug/index.js';
import { errno } from './errno.js';
import type { Machine } from './machine.js';

export const DEVICE = '/dev/xvdz';

export class Hotplug {
  readonly #dom0: Machine;
  readonly #stubdom: Machine;
  readonly #attached = new Map<string, Attachment>();

  constructor(dom0: Machine, stubdom: Machine) {
    this.#dom0 = dom0;
    this.#stubdom = stubdom;
  }

  get attached(): readonly Attachment[] {
    return [...this.#attached.values()];
  }

  /** Removes the disk from the stubdom, as an administrator or a driver may do. */
  unplug(): void {
    this.#stubdom.files.unplug(DEVICE);
  }

  /** Removes all attachments, because power was lost. */
  clear(): void {
    this.#attached.clear();
    this.unplug();
  }

  driver(access: AccessPath): HotplugDriver {
    const ask = <T>(what: string, effect: () => T): Promise<T> => {
      const { process } = this.#dom0;
      if (process === undefined) throw new Error('no process of dom0');
      return process.asked(what, effect);
    };
    return {
      name: 'simulated',
      accessTo: () => access,
      notifyingPath: ({ backing }) => (access === 'buffered' ? backing : undefined),
      attach: (backing) =>
        ask(`attach ${backing}`, () => {
          const medium = this.#dom0.files.mediumOf(backing);
          if (medium === undefined) throw errno('ENOENT', backing);
          const attachment = { device: DEVICE, backing };
          this.#attached.set(backing, attachment);
          this.#stubdom.files.plug(DEVICE, medium);
          return attachment;
        }),
      // Linux' blkfront removes a disk on request even if it is open.
      detach: ({ backing }) =>
        ask(`detach ${backing}`, () => {
          if (this.#attached.delete(backing)) this.unplug();
          return {};
        }),
      list: () => ask('list attachments', () => this.attached.slice()),
      orphans: () => ask('list attachments', () => this.attached.slice()),
    };
  }
}
