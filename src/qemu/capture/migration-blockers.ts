/**
 * Whether this QEMU can be asked for its state, before it is.
 *
 * QEMU 7.2 does not look by itself: `xen-save-devices-state` on a machine with a device that has no state to save (NVMe, say)
 * ends in a segmentation fault (measured), and that is the end of the running guest. `query-migrate` names such devices.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { type Monitor, queryMigrate, queryStatus } from '../qmp/index.js';

/** How QEMU begins the reason for a device without a state that can be saved. */
const UNSAVABLE = /^non-migratable device/;

/** @throws StubferryError QEMU_UNSUITED */
export async function assertNoMigrationBlockers(monitor: Monitor): Promise<void> {
  const { blockedReasons } = await queryMigrate(monitor);
  const reasons = blockedReasons.filter((reason) => UNSAVABLE.test(reason));
  if (reasons.length === 0) return;
  throw new StubferryError('QEMU_UNSUITED', 'this machine has a device whose state QEMU cannot save', {
    where: monitor.path,
    expected: 'no device that cannot be migrated',
    found: printable(reasons.join('; '), 400),
    hint: 'unplug the device before the save, or give the guest another one (virtio-blk instead of nvme, say)',
  });
}

/** @throws StubferryError QEMU_UNSUITED for a QEMU that has no guest yet */
export async function assertHasGuest(monitor: Monitor): Promise<{ readonly running: boolean }> {
  const { status, running } = await queryStatus(monitor);
  if (status !== 'inmigrate') return { running };
  throw new StubferryError('QEMU_UNSUITED', 'QEMU has no state to save yet', {
    where: monitor.path,
    expected: 'a guest',
    found: 'a QEMU that waits for an incoming state',
  });
}
