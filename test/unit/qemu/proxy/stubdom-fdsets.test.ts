/** Which sets of descriptors are shown for the disks of a stubdom, and what the commands that name them mean. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type FdsetAction,
  type Medium,
  namesFdsets,
  StubdomFdsets,
} from '../../../../src/qemu/proxy/stubdom-fdsets.js';
import { parseCommand } from '../../../../src/qemu/qmp/message.js';

const HDC: Medium = { devid: 5632, node: '/dev/xvdc', incarnation: '71' };
const N = 1048576 + 5632;
const LIST = { execute: 'query-fdsets' };
const REMOVE = { execute: 'remove-fd', arguments: { 'fdset-id': N } };
const OPEN = {
  execute: 'blockdev-change-medium',
  arguments: { id: 'ide-5632', filename: `/dev/fdset/${N}`, format: 'host_device' },
};

/** Undefined for a command that is QEMU's. */
function action(fdsets: StubdomFdsets, command: object, ...media: Medium[]): FdsetAction | undefined {
  const parsed = parseCommand(JSON.stringify(command));
  if (parsed === undefined) throw new Error('no command');
  return namesFdsets(parsed) ? fdsets.actionFor(parsed, media) : undefined;
}

const shown = (fdsets: StubdomFdsets, ...media: Medium[]): unknown => {
  const did = action(fdsets, LIST, ...media);
  return did?.does === 'list' ? did.fdsets.map(({ fds: [first] }) => first?.opaque) : did;
};

describe('the set of a disk', () => {
  it('has the opaque by which libxl finds it', () => {
    const info = { 'fdset-id': N, fds: [{ fd: N, opaque: 'stub-devid:5632' }] };
    expect(action(new StubdomFdsets(), LIST, HDC)).toEqual({ does: 'list', fdsets: [info] });
  });

  it('has a number of its own that a C int can hold', () => {
    const devid = fc.integer({ min: 0, max: 2 ** 28 - 1 });
    fc.assert(
      fc.property(fc.uniqueArray(devid, { minLength: 1, maxLength: 26 }), (devids) => {
        const did = action(new StubdomFdsets(), LIST, ...devids.map((one) => ({ ...HDC, devid: one })));
        const numbers = did?.does === 'list' ? did.fdsets.map((set) => set['fdset-id']) : [];
        expect(new Set(numbers).size).toBe(devids.length);
        for (const number of numbers) expect(number >= 2 ** 20 && number < 2 ** 31).toBe(true);
      }),
    );
  });

  it('stands for the path of the disk; all else that was said stays', () => {
    const args = { id: 'ide-5632', filename: '/dev/xvdc', format: 'host_device' };
    expect(action(new StubdomFdsets(), OPEN, HDC)).toEqual({ does: 'open', args });
  });

  it('is not shown from its removal until another disk is there under the same number and name', () => {
    const fdsets = new StubdomFdsets();
    expect(action(fdsets, REMOVE, HDC)).toEqual({ does: 'remove', medium: HDC });
    fdsets.remove(HDC);
    for (const command of [LIST, REMOVE, OPEN]) expect(action(fdsets, command, HDC)).toBeUndefined();
    // One that takes the place of the other between two looks.
    expect(shown(fdsets, { ...HDC, incarnation: '72' })).toEqual(['stub-devid:5632']);
  });

  it('is not hidden by the removal of another', () => {
    const fdsets = new StubdomFdsets();
    const hdd = { devid: 5696, node: '/dev/xvdd', incarnation: '71' };
    fdsets.remove(HDC);
    expect(shown(fdsets, HDC, hdd)).toEqual(['stub-devid:5696']);
  });

  it.each([
    ['a list, when there is no disk', LIST, []],
    ['the removal of one that is not shown', { ...REMOVE, arguments: { 'fdset-id': N + 1 } }, [HDC]],
    ['the removal of one of its own', { ...REMOVE, arguments: { 'fdset-id': 1 } }, [HDC]],
    ['the removal of a descriptor that is not in it', { ...REMOVE, arguments: { 'fdset-id': N, fd: 9 } }, [HDC]],
    ['a removal of nothing', { execute: 'remove-fd' }, [HDC]],
    ['a removal out of its turn', { 'exec-oob': 'remove-fd', arguments: REMOVE.arguments }, [HDC]],
    ['a medium by its path', { ...OPEN, arguments: { ...OPEN.arguments, filename: '/dev/xvdc' } }, [HDC]],
    ['a medium of its own set', { ...OPEN, arguments: { ...OPEN.arguments, filename: '/dev/fdset/1' } }, [HDC]],
    ['a path below one', { ...OPEN, arguments: { ...OPEN.arguments, filename: `/dev/fdset/${N}/x` } }, [HDC]],
    ['another command with such a path', { ...OPEN, execute: 'drive-mirror' }, [HDC]],
  ])("QEMU's is %s", (_, command, media) => {
    expect(action(new StubdomFdsets(), command, ...media)).toBeUndefined();
  });
});
