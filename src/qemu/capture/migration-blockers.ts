/**
 * Checks, before a save, whether QEMU can save the state of all devices.
 *
 * QEMU 7.2 does not check this: `xen-save-devices-state` on a machine with a device that does not support migration
 * (for example NVMe) causes a segmentation fault (measured) and so kills the running guest. `query-migrate` names such
 * devices.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { type Monitor, queryMigrate, queryStatus } from '../qmp/index.js';

/** The reasons of QEMU that name a device without migration support. */
const NON_MIGRATABLE = /^non-migratable device/;

/**
 * Checks that QEMU can save the state of all devices.
 * @throws StubferryError QEMU_UNSUITED: there are devices that QEMU cannot save; `found` names them
 */
export async function assertNoMigrationBlockers(monitor: Monitor): Promise<void> {
  const { blockedReasons } = await queryMigrate(monitor);
  const reasons = blockedReasons.filter((reason) => NON_MIGRATABLE.test(reason));
  if (reasons.length === 0) return;
  throw new StubferryError('QEMU_UNSUITED', 'this machine has a device whose state QEMU cannot save', {
    where: monitor.path,
    expected: 'no device that cannot be migrated',
    found: printable(reasons.join('; '), 400),
    hint: 'unplug the device before the save, or use another device (for example virtio-blk instead of nvme)',
  });
}

/**
 * Checks that QEMU has a guest, running or stopped.
 * @throws StubferryError QEMU_UNSUITED: QEMU still waits for an incoming state
 */
export async function assertHasGuest(monitor: Monitor): Promise<{ readonly running: boolean }> {
  const { status, running } = await queryStatus(monitor);
  if (status !== 'inmigrate') return { running };
  throw new StubferryError('QEMU_UNSUITED', 'QEMU has no state to save yet', {
    where: monitor.path,
    expected: 'a guest',
    found: 'a QEMU that waits for an incoming state',
  });
}
