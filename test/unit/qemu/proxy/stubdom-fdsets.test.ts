/** The fdsets that the proxy shows for the disks of a stubdom, and its actions for the commands that name them. */
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

/** The action for a command; undefined for a command that only QEMU must handle. */
function action(fdsets: StubdomFdsets, command: object, ...media: Medium[]): FdsetAction | undefined {
  const parsed = parseCommand(JSON.stringify(command));
  if (parsed === undefined) throw new Error('not a command');
  return namesFdsets(parsed) ? fdsets.actionFor(parsed, media) : undefined;
}

const shown = (fdsets: StubdomFdsets, ...media: Medium[]): unknown => {
  const result = action(fdsets, LIST, ...media);
  return result?.does === 'list' ? result.fdsets.map(({ fds: [first] }) => first?.opaque) : result;
};

describe('the fdset of a disk', () => {
  it('has the opaque string by which libxl finds it', () => {
    const info = { 'fdset-id': N, fds: [{ fd: N, opaque: 'stub-devid:5632' }] };
    expect(action(new StubdomFdsets(), LIST, HDC)).toEqual({ does: 'list', fdsets: [info] });
  });

  it('has a unique number that a C int can hold', () => {
    const devid = fc.integer({ min: 0, max: 2 ** 28 - 1 });
    fc.assert(
      fc.property(fc.uniqueArray(devid, { minLength: 1, maxLength: 26 }), (devids) => {
        const result = action(new StubdomFdsets(), LIST, ...devids.map((one) => ({ ...HDC, devid: one })));
        const numbers = result?.does === 'list' ? result.fdsets.map((set) => set['fdset-id']) : [];
        expect(new Set(numbers).size).toBe(devids.length);
        for (const number of numbers) expect(number >= 2 ** 20 && number < 2 ** 31).toBe(true);
      }),
    );
  });

  it('is replaced by the path of the disk; the other arguments stay unchanged', () => {
    const args = { id: 'ide-5632', filename: '/dev/xvdc', format: 'host_device' };
    expect(action(new StubdomFdsets(), OPEN, HDC)).toEqual({ does: 'open', args });
  });

  it('is hidden from its removal until another disk is attached under the same number and path', () => {
    const fdsets = new StubdomFdsets();
    expect(action(fdsets, REMOVE, HDC)).toEqual({ does: 'remove', medium: HDC });
    fdsets.remove(HDC);
    for (const command of [LIST, REMOVE, OPEN]) expect(action(fdsets, command, HDC)).toBeUndefined();
    // The second disk replaces the first one between two queries.
    expect(shown(fdsets, { ...HDC, incarnation: '72' })).toEqual(['stub-devid:5632']);
  });

  it('is not hidden by the removal of another one', () => {
    const fdsets = new StubdomFdsets();
    const hdd = { devid: 5696, node: '/dev/xvdd', incarnation: '71' };
    fdsets.remove(HDC);
    expect(shown(fdsets, HDC, hdd)).toEqual(['stub-devid:5696']);
  });

  it.each([
    ['a list when there is no disk', LIST, []],
    ['the removal of an fdset that is not shown', { ...REMOVE, arguments: { 'fdset-id': N + 1 } }, [HDC]],
    ["the removal of QEMU's own fdset", { ...REMOVE, arguments: { 'fdset-id': 1 } }, [HDC]],
    ['the removal of a descriptor that is not in the fdset', { ...REMOVE, arguments: { 'fdset-id': N, fd: 9 } }, [HDC]],
    ['a removal without a number', { execute: 'remove-fd' }, [HDC]],
    ['an out-of-band removal', { 'exec-oob': 'remove-fd', arguments: REMOVE.arguments }, [HDC]],
    ['a medium named by its path', { ...OPEN, arguments: { ...OPEN.arguments, filename: '/dev/xvdc' } }, [HDC]],
    ["a medium of QEMU's own fdset", { ...OPEN, arguments: { ...OPEN.arguments, filename: '/dev/fdset/1' } }, [HDC]],
    ['a path below an fdset', { ...OPEN, arguments: { ...OPEN.arguments, filename: `/dev/fdset/${N}/x` } }, [HDC]],
    ['another command with such a path', { ...OPEN, execute: 'drive-mirror' }, [HDC]],
  ])('is not used for %s: QEMU handles the command', (_, command, media) => {
    expect(action(new StubdomFdsets(), command, ...media)).toBeUndefined();
  });
});
