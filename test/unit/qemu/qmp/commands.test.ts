/** The commands that stubferry executes: what it sends to QEMU, and which replies it accepts. */
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

type Execute = (monitor: Monitor) => Promise<unknown>;

describe('a command', () => {
  it.each<[string, Execute, object, number | undefined]>([
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
  ])('%s is sent with its arguments and its time limit', async (name, execute, args, timeoutMs) => {
    const monitor = new FakeMonitor(() => (name === 'qom-get' ? 'pc' : { status: 'running', running: true }));
    await execute(monitor);
    expect(monitor.commands).toEqual([{ name, args, timeoutMs }]);
  });

  it('query-migrate may have no time limit', async () => {
    const monitor = new FakeMonitor(() => ({}));
    await queryMigrate(monitor, { timeoutMs: undefined });
    expect(monitor.commands).toEqual([{ name: 'query-migrate', args: {}, timeoutMs: undefined }]);
  });

  it.each<[string, Execute, unknown, unknown]>([
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
  ])('%s returns the value of the reply', async (_name, execute, value, result) => {
    await expect(execute(new FakeMonitor(() => value))).resolves.toEqual(result);
  });

  it.each<[string, Execute, unknown]>([
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
  ])('%s rejects an unexpected reply with QMP_PROTOCOL', async (name, execute, value) => {
    const monitor = new FakeMonitor(() => value);
    await expect(execute(monitor)).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      message: 'the peer does not speak QMP',
      details: { where: monitor.path, found: `an unexpected reply to '${name}'` },
    });
  });

  it('machineType returns an empty string when QEMU refuses the command', async () => {
    const refusal = new StubferryError('QEMU_REFUSED', 'no');
    await expect(machineType(new FakeMonitor(() => Promise.reject(refusal)))).resolves.toBe('');
    const gone = new StubferryError('QEMU_GONE', 'gone');
    await expect(machineType(new FakeMonitor(() => Promise.reject(gone)))).rejects.toBe(gone);
  });

  it('rejects with the error of the monitor', async () => {
    const reason = new Error('gone');
    await expect(queryStatus(new FakeMonitor(() => Promise.reject(reason)))).rejects.toBe(reason);
  });
});
