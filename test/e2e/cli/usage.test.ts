import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { failureOf, stubferry } from '../../support/cli/run-stubferry.js';

const STUBDOM = ['agent', 'stubdom', '--disk', 'd'];
const INTO_QEMU = ['restore', 'x', '--incoming', 'f', '--qmp', 'q'];

const INVALID: readonly (readonly [string, readonly string[], string])[] = [
  ['no command', [], 'Usage: stubferry'],
  ['an unknown command', ['ferry'], "error: unknown command 'ferry'"],
  ['an unknown option', ['save', '-o', 'x', '--ferry'], "error: unknown option '--ferry'"],
  ['a save to nowhere', ['save'], "error: required option '-o, --output <path>' not specified"],
  ['a restore of nothing', ['restore', '-o', 'x'], "error: missing required argument 'state'"],
  ['a verify of nothing', ['verify'], "error: missing required argument 'file'"],
  ['two files to verify', ['verify', 'a', 'b'], 'error: too many arguments'],
  ['a size with an unknown unit', ['save', '-o', 'x', '--ring', '8Q'], 'a size is a number with'],
  ['a duration without a unit', ['save', '-o', 'x', '--peer-timeout', '5'], 'a duration is a number with'],
  ['a duration of zero', ['save', '-o', 'x', '--peer-timeout', '0s'], 'a duration is a number with'],
  ['a UUID with too few digits', ['save', '-o', 'x', '--target-uuid', '0123'], 'a UUID has the form'],
  ['a domid beyond the range of Xen', ['save', '-o', 'x', '--target-domid', '32768'], 'a domid is a number from'],
  ['an unknown digest', ['save', '-o', 'x', '--digest', 'md5'], "argument 'md5' is invalid"],
  ['an unknown log level', ['--log-level', 'loud', 'exit-codes'], "argument 'loud' is invalid"],
  ['a save from two sources', ['save', '-i', 'x', '--qmp', 'q', '-o', 'y'], 'give either --input or --qmp'],
  ['a migration out of a file', ['save', '-i', 'x', '-o', 'y', '--migrate'], '--migrate and --checkpoint need --qmp'],
  ['a checkpoint of a file', ['save', '-i', 'x', '-o', 'y', '-c'], '--migrate and --checkpoint need --qmp'],
  ['a restore to nowhere', ['restore', 'x'], 'give either --output, or --incoming with --qmp'],
  ['a restore to two destinations', [...INTO_QEMU, '-o', 'y'], 'give either --output, or --incoming with --qmp'],
  ['an incoming QEMU without a monitor', ['restore', 'x', '--incoming', 'f'], '--incoming needs --qmp'],
  ['a monitor without an incoming QEMU', ['restore', 'x', '-o', 'y', '--qmp', 'q'], '--qmp needs --incoming'],
  [
    'a QEMU log without a QEMU',
    ['restore', 'x', '-o', 'y', '--qemu-log', 'l'],
    '--qemu-log applies only to a restore with --incoming',
  ],
  ['a proxy without a monitor', [...STUBDOM, '--qmp-proxy', 'g'], '--qmp-proxy needs --qmp'],
  [
    'a proxy with a source',
    [...STUBDOM, '--qmp-proxy', 'g', '--source', 's'],
    "cannot be used with option '--source <path>'",
  ],
  ['an agent with two sources', [...STUBDOM, '--source', 's', '--qmp', 'q'], 'give either --source or --qmp'],
  [
    'an agent with two sinks',
    [...STUBDOM, '--sink', 's', '--qmp', 'q', '--incoming', 'f'],
    'give either --sink or --inc',
  ],
  ['an agent without a disk', ['agent', 'stubdom', '--source', 's'], 'give either --disk or --xenstore'],
  [
    'a service with an option of a single transfer',
    ['agent', 'dom0', '--save', 's'],
    '--save applies only to a single',
  ],
  [
    'a single transfer with an option of the service',
    ['agent', 'dom0', '--disk', 'd', '--save', 's', '--max-transfers', '3'],
    '--max-transfers applies only to the service',
  ],
  [
    'a single transfer into another domain',
    ['agent', 'dom0', '--disk', 'd', '--save', 's', '--attach', 'xen'],
    '--attach xen applies only to the service',
  ],
];

describe('an invalid command line', () => {
  it.each(INVALID)('%s exits with status 2 and reports the reason', async (_, args, reason) => {
    const { exit, stdout, stderr } = await stubferry(args);
    expect({ exit, stdout: stdout.toString() }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toContain(reason);
  });

  it.each([
    ['neither --save nor --restore', []],
    ['both --save and --restore', ['--save', 'x', '--restore', 'y']],
  ])('a dom0 agent with %s is a USAGE error', async (_, args) => {
    const ended = await stubferry(['--json', 'agent', 'dom0', '--disk', 'd', ...args]);
    expect(failureOf(ended)).toMatchObject({
      exit: 2,
      code: 'USAGE',
      message: 'give either --save or --restore',
    });
  });

  it('a stubdom agent with neither --source nor --sink is a USAGE error', async () => {
    const ended = await stubferry(['--json', 'agent', 'stubdom', '--disk', 'd']);
    expect(failureOf(ended)).toMatchObject({
      exit: 2,
      code: 'USAGE',
      message: 'give --source or --qmp, --sink or --incoming',
    });
  });

  it('an --events-fd that is not a descriptor is a USAGE error', async () => {
    const args = ['--disk', 'absent', '--source', DEVICE_STATE.path, '--attach-timeout', '500ms'];
    const { exit } = await stubferry(['agent', 'stubdom', ...args, '--events-fd', 'three']);
    expect(exit).toBe(2);
  });

  it('is reported as an error document with --json', async () => {
    const ended = await stubferry(['--json', 'save']);
    expect(failureOf(ended)).toMatchObject({ exit: 2, code: 'USAGE', status: 2 });
  });
});
