/** Part devices: guests whose QEMU emulates more than the minimum of devices. */
import { expect } from '@jest/globals';
import type { GuestOptions } from '../guests/hvm-guest.js';
import { STUBDOM } from '../guests/stubdoms.js';
import { lastTransfer, orphans, type Stage } from './stage.js';

const BRIDGE = 'labbr';
const CD = '/var/lib/guests/cd.iso';
const FILE = '/root/devices.save';

const NETWORK: GuestOptions = { name: 'network', stubdom: STUBDOM, cards: [{ model: 'e1000', bridge: BRIDGE }] };
const CDROM: GuestOptions = {
  ...{ name: 'cdrom', stubdom: STUBDOM },
  disks: [{ target: CD, vdev: 'hdc', devtype: 'cdrom', access: 'ro' }],
};

/**
 * A guest whose stubdom accepts commands, for tests that need access to the inside of a stubdom. The stubdom has enough
 * memory for a file of 32 MiB and for a second agent that sends it. With 192 MiB the kernel runs out of memory and
 * kills that agent.
 */
export const PICTURE: GuestOptions = {
  ...{ name: 'picture', mebibytes: 64, vga: 'stdvga', usbTablet: true },
  stubdom: { ...STUBDOM, mebibytes: 384, cmdline: `${STUBDOM.cmdline} stubferry.shell` },
};

export function movesDevices(stage: Stage): void {
  stage.test('a guest with VGA and USB is migrated', async (lab) => {
    await stage.agent(lab);
    const guest = await stage.guest(lab, PICTURE);
    await guest.migrate();
    expect(await guest.breaks()).toEqual([]);
    expect(await orphans(lab)).toBe('');
  });

  stage.test('a guest with a network card is saved and restored, and connected to its bridge again', async (lab) => {
    await stage.agent(lab);
    // The bridge already exists when the test is retried.
    await lab.check(`modprobe -a bridge xen-netback && (ip link show ${BRIDGE} || ip link add ${BRIDGE} type bridge)`);
    await lab.check(`ip link set ${BRIDGE} up`);
    const guest = await stage.guest(lab, NETWORK);
    expect(await guest.save(FILE)).toMatchObject({ status: 0 });
    // The state of e1000 contains its EEPROM, its registers and its receive filters.
    expect((await lastTransfer(lab)).bytes).toBeGreaterThan(100_000);
    await guest.restore(FILE);
    expect(await guest.breaks()).toEqual([]);
    expect(await lab.check(`ls /sys/class/net/${BRIDGE}/brif`)).toMatch(
      new RegExp(`vif${await guest.stubdomId()}\\.0`),
    );
    await stage.end(guest);
  });

  stage.test('a guest with a CD-ROM is migrated', async (lab) => {
    await stage.agent(lab);
    await lab.check(`mkdir -p $(dirname ${CD}) && truncate -s 4M ${CD}`);
    const guest = await stage.guest(lab, CDROM);
    await guest.migrate();
    expect(await guest.breaks()).toEqual([]);
    await stage.end(guest);
  });
}
