/** Part save-restore: `xl save`, `xl restore` and `xl migrate`, none of which knows of stubferry. */
import { expect } from '@jest/globals';
import type { GuestOptions, HvmGuest } from '../guests/hvm-guest.js';
import { STUBDOM } from '../guests/stubdoms.js';
import type { Lab } from '../lab/lab.js';
import { lastTransfer, orphans, type Stage } from './stage.js';

export const PLAIN: GuestOptions = { name: 'plain', stubdom: STUBDOM };
const SAVED = '/root/plain.save';
const STATE = '/root/plain.qevm';

export function savesAndRestores(stage: Stage): void {
  stage.test('xl create starts a guest whose QEMU runs in the stubdom of the image', async (lab) => {
    await stage.agent(lab);
    expect(await lab.check('stubferry doctor')).toContain('this host is ready');
    const guest = await stage.guest(lab, PLAIN);
    expect(await lab.check(`xl domname ${await guest.stubdomId()}`)).toBe('plain-dm\n');
    expect(await guest.stubdomLog()).not.toContain('code cache');
    await guest.untilCounting();
  });

  stage.test('xl save stores what QEMU wrote, byte for byte, and nothing goes over consoles 1 and 2', async (lab) => {
    await stage.agent(lab);
    const guest = await stage.guest(lab, PLAIN);
    // With -c the guest keeps running, and its stubdom can be examined.
    expect(await guest.save(SAVED, '-c')).toMatchObject({ status: 0 });
    await guest.untilCounting();
    expect(await guest.breaks()).toEqual([]);

    const { direction, sha256, error } = await lastTransfer(lab);
    expect({ direction, error }).toEqual({ direction: 'save', error: undefined });
    expect(await guest.stubdomLog()).toContain(`"sha256":"${sha256}"`);
    expect(await digestInSaveFile(lab)).toBe(sha256);
    expect(await bytesOverConsoles(lab, guest)).toEqual({ 1: 0, 2: 0 });
    expect(await orphans(lab)).toBe('');
  });

  stage.test('xl restore lets the guest continue where it was saved', async (lab) => {
    await stage.agent(lab);
    const guest = await stage.guest(lab, PLAIN);
    expect(await guest.save(SAVED)).toMatchObject({ status: 0 });
    const saved = await lastTransfer(lab);
    expect(await digestInSaveFile(lab)).toBe(saved.sha256);
    await guest.restore(SAVED);
    expect(await guest.breaks()).toEqual([]);

    const { direction, sha256, error } = await lastTransfer(lab);
    expect({ direction, sha256, error }).toEqual({ direction: 'restore', sha256: saved.sha256, error: undefined });
    expect(await guest.stubdomLog()).toContain(`"sha256":"${sha256}"`);
    expect(await orphans(lab)).toBe('');
  });

  stage.test('xl migrate, live and to the same host, lets the guest continue where it was', async (lab) => {
    await stage.agent(lab);
    const guest = await stage.guest(lab, PLAIN);
    await guest.migrate();
    expect(await guest.breaks()).toEqual([]);
    expect(await orphans(lab)).toBe('');
  });
}

/** Returns the SHA-256 of the emulator context in the save file, which `stubferry extract` extracts. */
async function digestInSaveFile(lab: Lab): Promise<string> {
  const printed = await lab.check(`stubferry extract ${SAVED} --force -o ${STATE} > /dev/null && sha256sum ${STATE}`);
  return printed.slice(0, 64);
}

/**
 * Returns how many bytes went over the consoles that libxl provides for the device state. Their backend is a QEMU in
 * dom0, which has the file of console 1 open from the start: under that name, or as a deleted file if it was replaced.
 */
async function bytesOverConsoles(lab: Lab, guest: HvmGuest): Promise<Record<string, number>> {
  const stubdom = await guest.stubdomId();
  const backend = (await lab.check(`pgrep -f 'xen-qemu.*-xen-domid ${stubdom} '`)).trim();
  const position = `for fd in /proc/${backend}/fd/*; do case $(readlink $fd) in */qemu-$1.*) grep pos: /proc/${backend}/fdinfo/\${fd##*/};; esac; done`;
  const bytes = async (name: string): Promise<number> => {
    const printed = await lab.check(`set -- ${name}; ${position}`);
    return Number(/pos:\s*(\d+)/.exec(printed)?.[1] ?? 0);
  };
  return { 1: await bytes('save'), 2: await bytes('resume') };
}
