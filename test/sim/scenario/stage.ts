/** The two machines, and the paths of the files on them. */
import { Hotplug } from '../machine/hotplug.js';
import { Machine } from '../machine/machine.js';
import type { World } from '../world/world.js';
import type { Plan } from './plan.js';

export const TRANSFER_DIR = '/run/stubferry';
export const STATE_DIR = '/var/lib/xen';
export const TARGET = { stubdom: 7, target: 3, targetUuid: '5f1ac4ae-0000-4000-8000-000000000003' } as const;
/** Paths of the state in dom0. */
export const SAVED = `${STATE_DIR}/qemu-save.3`;
export const TO_RESTORE = `${STATE_DIR}/qemu-resume.3`;
/** Paths of the state in the stubdom. */
export const SOURCE = '/s/state';
export const INCOMING = '/s/incoming';

export class Stage {
  readonly world: World;
  readonly dom0: Machine;
  readonly stubdom: Machine;
  readonly hotplug: Hotplug;

  constructor(world: World, plan: Plan) {
    this.world = world;
    this.dom0 = new Machine('dom0', world);
    this.stubdom = new Machine('stubdom', world);
    this.hotplug = new Hotplug(this.dom0, this.stubdom);
    this.dom0.files.mediaRemember = [...plan.disk.dom0, ...plan.disk.stubdom].some(
      ({ fault }) => fault === 'stale read',
    );
    this.dom0.files.mount(TRANSFER_DIR, { volatile: true, type: plan.medium });
    this.dom0.files.mount(STATE_DIR);
    this.stubdom.files.mount('/dev', { volatile: true });
    this.stubdom.files.mount('/s');
    for (const side of ['dom0', 'stubdom'] as const) {
      this[side].requests.weather = plan.weather;
      this[side].requests.faults.push(...plan.disk[side].map((fault) => ({ ...fault })));
      this[side].endpoints.readMs = plan.readMs;
      this[side].endpoints.faults.push(...plan.ends[side].map((fault) => ({ ...fault })));
    }
  }
}
