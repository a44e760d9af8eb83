/** Part failures: xl reports each failure, and the guest keeps running and can be saved afterwards. */
import { expect } from '@jest/globals';
import type { HvmGuest } from '../guests/hvm-guest.js';
import { LOG } from '../install/dom0-agent.js';
import type { Lab } from '../lab/lab.js';
import { PLAIN } from './save-restore.js';
import { lastTransfer, orphans, runCheck, type Stage } from './stage.js';

const FILE = '/root/failed.save';
/** The offset of the type of the first section, after the magic number and the version. */
const SECTION_TYPE = 8;
const TAMPER_MS = 60_000;
const TOO_LATE = 3;
const ATTEMPTS = 5;

export function failsWell(stage: Stage): void {
  stage.test('a toolstack that connects before the stubdom has noticed the last disconnect is greeted', async (lab) => {
    const guest = await stage.guest(lab, PLAIN);
    const args = `/var/run/xen/qmp-libxl-${guest.domid} ${await guest.stubdomId()}`;
    const { status, stdout, stderr } = await runCheck(lab, 'two-toolstacks', args, TAMPER_MS);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    stage.session.report.remark(`the second toolstack was greeted after ${`${stdout}`.trim()} ms`);
    await guest.untilCounting();
  });

  stage.test('xl save reports that the stubferry service does not run', async (lab) => {
    const agent = await stage.agent(lab);
    const guest = await stage.guest(lab, PLAIN);
    await agent.stop();
    expect(await refusalOf(guest)).toMatch(/^stubferry: .*\[REQUEST_UNANSWERED\]/);
    await agent.start();
    await runsOn(lab, guest);
  });

  stage.test('xl save reports that the stubferry service was killed while the state was on the disk', async (lab) => {
    const agent = await stage.agent(lab);
    const guest = await stage.guest(lab, PLAIN);
    // The restarted service reports the restart on the disk. If its start takes longer than a peer may be silent, the
    // report is too late.
    expect(await refusalWhen(lab, guest, 'kill')).toMatch(
      /^stubferry: .*(?:\[PEER_ABORTED\].* found SERVICE_RESTARTED|\[SERVICE_RESTARTED\]|\[PEER_DEAD\])/,
    );
    await agent.untilServing();
    await runsOn(lab, guest);
  });

  stage.test('xl save reports that a bit of the state has flipped on the disk', async (lab) => {
    await stage.agent(lab);
    const guest = await stage.guest(lab, PLAIN);
    expect(await refusalWhen(lab, guest, 'flip')).toMatch(/^stubferry: the receiver gave up: FRAME_CORRUPT/);
    expect((await lastTransfer(lab)).error?.code).toBe('FRAME_CORRUPT');
    await runsOn(lab, guest);
  });

  stage.test('xl save reports that the disk of dom0 is full', async (lab) => {
    await stage.agent(lab);
    const guest = await stage.guest(lab, PLAIN);
    // Fills the disk to the end of the last block of the service's log, so that the log cannot grow either.
    await lab.check(
      `fallocate -l $(($(stat -f -c "%f * %S" /)  - 65536)) /root/filler; cat /dev/zero > /root/rest; yes '' >> ${LOG} || true`,
    );
    const refusal = await refusalOf(guest).finally(() => lab.check('rm /root/filler /root/rest'));
    expect(refusal).toMatch(/^stubferry: the receiver gave up: DESTINATION_FULL/);
    await runsOn(lab, guest);
  });

  stage.test(
    'after all failures the guest can be saved, and a damaged state is rejected before QEMU receives any of it',
    async (lab) => {
      await stage.agent(lab);
      const guest = await stage.guest(lab, PLAIN);
      expect(await guest.save(FILE)).toMatchObject({ status: 0 });
      await lab.check(`cp ${FILE} ${FILE}.damaged`);
      const state = Number(await lab.check(`grep -abo QEVM ${FILE} | tail -n 1 | cut -d: -f1`));
      await lab.check(`printf X | dd of=${FILE}.damaged bs=1 seek=${state + SECTION_TYPE} conv=notrunc status=none`);
      const refused = await lab.dom0(`xl restore ${FILE}.damaged`, { timeoutMs: TAMPER_MS });
      expect(refused.status).not.toBe(0);
      const { error } = await lastTransfer(lab);
      expect(error?.code ?? refused.stderr).toBe('CORRUPT');
      // The log of the rejected stubdom. The log of the guest has another name, because the guest was migrated.
      expect(await lab.check(`cat /var/log/xen/qemu-dm-${PLAIN.name}.log`)).toContain(
        'dom0 refused to attach a transfer disk: the first section of the QEMU state has an unknown type',
      );
      await guest.restore(FILE);
      expect(await guest.breaks()).toEqual([]);
    },
  );
}

/** Returns what xl prints about a save that fails. @throws Error when the save succeeds */
async function refusalOf(guest: HvmGuest): Promise<string> {
  // The file is in memory, because the disk may be full.
  const { status, stderr } = await guest.save('/tmp/failed.save', '-c');
  if (status === 0) throw new Error('the save succeeded');
  return /stubferry: .*/.exec(stderr)?.[0] ?? stderr;
}

/**
 * The same for a save that in-dom0/tamper.ts disturbs. If it is too late, the save succeeds, and another one is tried.
 */
async function refusalWhen(lab: Lab, guest: HvmGuest, action: 'kill' | 'flip'): Promise<string> {
  const output = `/run/tamper-${action}`;
  for (let attempt = 1; ; attempt += 1) {
    const tampering = runCheck(lab, 'tamper', `${action} > ${output}`, TAMPER_MS);
    await lab.until('tamper.ts ready', async () => (await lab.dom0(`grep -q ready ${output}`)).status === 0);
    const refusal = refusalOf(guest).catch((error: unknown) => error);
    const { status, stderr } = await tampering;
    const outcome = await refusal;
    await lab.check(`rm ${output}`);
    if (status === TOO_LATE && attempt < ATTEMPTS) continue;
    if (status !== 0) throw new Error(`tamper.ts: ${status}: ${stderr}`);
    if (outcome instanceof Error) throw outcome;
    return `${outcome}`;
  }
}

/** Asserts that the guest continues to count, has missed nothing, and that nothing is left of the transfer. */
async function runsOn(lab: Lab, guest: HvmGuest): Promise<void> {
  await guest.untilCounting();
  expect(await guest.breaks()).toEqual([]);
  expect(await orphans(lab)).toBe('');
}
