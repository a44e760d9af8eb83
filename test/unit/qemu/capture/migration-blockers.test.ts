import { describe, expect, it } from '@jest/globals';
import { assertHasGuest, assertNoMigrationBlockers } from '../../../../src/qemu/index.js';
import { FakeMonitor } from '../../../support/qmp/fake-monitor.js';

function migrationInfo(info: object): FakeMonitor {
  return new FakeMonitor(() => info);
}

describe('assertNoMigrationBlockers', () => {
  it.each([
    ['there are no blockers', {}],
    [
      'the blockers concern only migration',
      { 'blocked-reasons': ['The vvfat (rw) format does not support live migration'] },
    ],
    ['the list of blockers is empty', { 'blocked-reasons': [] }],
  ])('resolves when %s', async (_when, info) => {
    await expect(assertNoMigrationBlockers(migrationInfo(info))).resolves.toBeUndefined();
  });

  it('rejects and names the devices that QEMU cannot save', async () => {
    const reasons = ['non-migratable device: 0000:00:04.0/nvme', 'vvfat', 'non-migratable device: a\u001b[2J'];
    const monitor = migrationInfo({ 'blocked-reasons': reasons });
    await expect(assertNoMigrationBlockers(monitor)).rejects.toMatchObject({
      code: 'QEMU_UNSUITED',
      message: 'this machine has a device whose state QEMU cannot save',
      details: {
        where: monitor.path,
        expected: 'no device that cannot be migrated',
        found: 'non-migratable device: 0000:00:04.0/nvme; non-migratable device: a\\u{1b}[2J',
      },
    });
  });
});

describe('assertHasGuest', () => {
  it.each([
    ['running', true],
    ['paused', false],
    ['postmigrate', false],
  ])('accepts a guest that is %s', async (status, running) => {
    await expect(assertHasGuest(new FakeMonitor(() => ({ status, running })))).resolves.toEqual({ running });
  });

  it('rejects a QEMU that waits for an incoming state', async () => {
    const monitor = new FakeMonitor(() => ({ status: 'inmigrate', running: false }));
    await expect(assertHasGuest(monitor)).rejects.toMatchObject({
      code: 'QEMU_UNSUITED',
      message: 'QEMU has no state to save yet',
      details: { where: monitor.path, expected: 'a guest', found: 'a QEMU that waits for an incoming state' },
    });
  });
});
