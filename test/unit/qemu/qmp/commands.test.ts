/** The commands that stubferry gives: what QEMU is sent, and what is taken for an answer. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import {
  cont,
  type Monitor,
  machineType,
  migrate,
  migrateCancel,
  queryMaxBandwidth,
  queryMigrate,
  queryStatus,
  saveDevicesState,
  setMaxBandwidth,
  stop,
} from '../../../../src/qemu/qmp/index.js';
import { FakeMonitor } from '../../../support/qmp/fake-monitor.js';

type Give = (monitor: Monitor) => Promise<unknown>;

describe('a command', () => {
  it.each<[string, Give, object, number | undefined]>([
    ['query-status', queryStatus, {}, 10_000],
    ['stop', stop, {}, 60_000],
    ['cont', cont, {}, 60_000],
    ['query-migrate', queryMigrate, {}, 10_000],
    ['migrate', (monitor) => migrate(monitor, 'unix:/a'), { uri: 'unix:/a' }, 10_000],
    ['migrate_cancel', migrateCancel, {}, 10_000],
    ['query-migrate-parameters', queryMaxBandwidth, {}, 10_000],
    ['migrate-set-parameters', (monitor) => setMaxBandwidth(monitor, 7), { 'max-bandwidth': 7 }, 10_000],
    ['qom-get', machineType, { path: '/machine', property: 'type' }, 10_000],
    [
      'xen-save-devices-state',
      (monitor) => saveDevicesState(monitor, { filename: '/a', live: false }),
      { filename: '/a', live: false },
      undefined,
    ],
  ])('%s is given as QEMU knows it, with its limit of time', async (name, give, args, timeoutMs) => {
    const monitor = new FakeMonitor(() => (name === 'qom-get' ? 'pc' : { status: 'running', running: true }));
    await give(monitor);
    expect(monitor.asked).toEqual([{ name, args, timeoutMs }]);
  });

  it('that asks how a migration stands may have no limit', async () => {
    const monitor = new FakeMonitor(() => ({}));
    await queryMigrate(monitor, { timeoutMs: undefined });
    expect(monitor.asked).toEqual([{ name: 'query-migrate', args: {}, timeoutMs: undefined }]);
  });

  it.each<[string, Give, unknown, unknown]>([
    [
      'query-status',
      queryStatus,
      { status: 'paused', running: false, singlestep: false },
      { status: 'paused', running: false },
    ],
    ['query-migrate', queryMigrate, {}, { status: undefined, reason: undefined, blockedReasons: [] }],
    [
      'query-migrate',
      queryMigrate,
      { status: 'failed', 'error-desc': 'no', 'blocked-reasons': ['a', 'b'], ram: {} },
      { status: 'failed', reason: 'no', blockedReasons: ['a', 'b'] },
    ],
    ['query-migrate-parameters', queryMaxBandwidth, { 'max-bandwidth': 134217728, 'downtime-limit': 300 }, 134217728],
    ['query-migrate-parameters', queryMaxBandwidth, {}, undefined],
    ['qom-get', machineType, 'pc-i440fx-7.2-machine', 'pc-i440fx-7.2'],
    ['qom-get', machineType, 'none', 'none'],
  ])('%s tells what QEMU returned', async (_name, give, value, told) => {
    await expect(give(new FakeMonitor(() => value))).resolves.toEqual(told);
  });

  it.each<[string, Give, unknown]>([
    ['query-status', queryStatus, {}],
    ['query-status', queryStatus, null],
    ['query-status', queryStatus, { status: 'running', running: 'yes' }],
    ['query-status', queryStatus, { status: 1, running: true }],
    ['query-status', queryStatus, { status: '\u001b[2J', running: true }],
    ['query-status', queryStatus, { status: 'x'.repeat(41), running: true }],
    ['query-migrate', queryMigrate, []],
    ['query-migrate', queryMigrate, { status: 7 }],
    ['query-migrate', queryMigrate, { status: 'active\n' }],
    ['query-migrate', queryMigrate, { 'error-desc': {} }],
    ['query-migrate', queryMigrate, { 'blocked-reasons': 'no' }],
    ['query-migrate', queryMigrate, { 'blocked-reasons': [1] }],
    ['query-migrate-parameters', queryMaxBandwidth, { 'max-bandwidth': 'fast' }],
    ['query-migrate-parameters', queryMaxBandwidth, 7],
    ['qom-get', machineType, {}],
    ['qom-get', machineType, undefined],
  ])('%s with a reply of another shape than QEMU’s is QMP_PROTOCOL', async (name, give, value) => {
    const monitor = new FakeMonitor(() => value);
    await expect(give(monitor)).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      message: 'what answers does not speak QMP as QEMU does',
      details: { where: monitor.path, found: `another reply to '${name}' than QEMU gives` },
    });
  });

  it('that asks for the machine type takes a refusal for an unknown one', async () => {
    const refusal = new StubferryError('QEMU_REFUSED', 'no');
    await expect(machineType(new FakeMonitor(() => Promise.reject(refusal)))).resolves.toBe('');
    const gone = new StubferryError('QEMU_GONE', 'gone');
    await expect(machineType(new FakeMonitor(() => Promise.reject(gone)))).rejects.toBe(gone);
  });

  it('fails as the monitor does', async () => {
    const reason = new Error('gone');
    await expect(queryStatus(new FakeMonitor(() => Promise.reject(reason)))).rejects.toBe(reason);
  });
});
