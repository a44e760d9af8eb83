/** stubferry on real Xen: everything that runs in one lab (lab/session.ts). */
import { expect } from '@jest/globals';
import { describeWith } from '../blockdev-utils/as-root.js';
import { HvmGuest } from './guests/hvm-guest.js';
import type { Stubdom } from './guests/xl-config.js';
import { Session } from './lab/session.js';
import { A_LAB } from './needs.js';

const session = new Session();
session.endsAfterAll();

const CONSOLE_STUBDOM: Stubdom = {
  kernel: '/usr/local/lib/lab/vmlinux',
  ramdisk: '/usr/local/lib/lab/console-ramdisk',
  mebibytes: 192,
  cmdline: 'console=hvc0 mitigations=off',
};

describeWith(A_LAB, 'a guest with a stubdom that uses the consoles', () => {
  session.test('goes on counting where it was when it was saved and restored', async (lab) => {
    const guest = await HvmGuest.create(lab, { name: 'consoles', stubdom: CONSOLE_STUBDOM });
    expect(await guest.save('/root/consoles.save')).toMatchObject({ status: 0 });
    await guest.restore('/root/consoles.save');
    expect(await guest.breaks()).toEqual([]);
    await guest.destroy();
  });
});
