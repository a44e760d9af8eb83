/**
 * Part restores: measures how long a restored guest waits for its device model, optionally in comparison with the image
 * of another stubferry.
 *
 *     xl restore --> libxl builds both domains --> the stubdom is unpaused
 *                --> its QEMU has loaded the state: `running` in xenstore
 */
import { expect } from '@jest/globals';
import type { GuestOptions, HvmGuest } from '../guests/hvm-guest.js';
import { OTHER_STUBDOM, STUBDOM } from '../guests/stubdoms.js';
import type { Lab } from '../lab/lab.js';
import { STAMPED } from './console-comparison.js';
import type { Stage } from './stage.js';

/** The directory that `stubferry image build` of another checkout has written. */
export const OTHER_IMAGE = process.env['STUBFERRY_XEN_OTHER_IMAGE'];

const ROUNDS = 5;
const XL_MS = 80_000;

/** The times of one restore, in milliseconds of dom0's clock. */
interface RestoreTimes {
  /** From the start of xl until QEMU runs. */
  readonly whole: number;
  /** From the start of the stubdom until QEMU runs. */
  readonly stubdom: number;
}

export function timesRestores(stage: Stage): void {
  const guests: readonly GuestOptions[] = [
    { name: 'this-image', stubdom: STUBDOM },
    ...(OTHER_IMAGE === undefined ? [] : [{ name: 'other-image', stubdom: OTHER_STUBDOM }]),
  ];

  stage.test('the time from xl restore to a running device model is reported', async (lab) => {
    await stage.agent(lab);
    const times = new Map<HvmGuest, RestoreTimes[]>();
    for (const options of guests) {
      const guest = await stage.guest(lab, options);
      expect(await guest.save(fileOf(guest))).toMatchObject({ status: 0 });
      times.set(guest, []);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [guest, its] of times) {
        its.push(await restored(lab, guest));
        await guest.untilCounting();
        expect(await guest.breaks()).toEqual([]);
        expect(await guest.save(fileOf(guest))).toMatchObject({ status: 0 });
      }
    }
    for (const [guest, its] of times) {
      stage.session.forget(`guest ${guest.name}`);
      const list = (part: keyof RestoreTimes): string => its.map((one) => one[part]).join(', ');
      stage.session.report.remark(
        `${guest.name}: xl restore to running ${list('whole')} ms; of these in the stubdom ${list('stubdom')} ms`,
      );
    }
  });
}

function fileOf({ name }: HvmGuest): string {
  return `/root/${name}.save`;
}

async function restored(lab: Lab, guest: HvmGuest): Promise<RestoreTimes> {
  const command = `date +%s.%N; ${STAMPED} xl -vvv restore ${fileOf(guest)}`;
  const log = await lab.check(command, { timeoutMs: XL_MS });
  await guest.found();
  const began = Number(/^\d+\.\d+/.exec(log)?.[0]);
  // libxl watches this node after it has unpaused the stubdom, until it reads `running`.
  const at = (what: 'register' | 'deregister'): number => {
    const line = new RegExp(`^([\\d.]+) .* wpath=/local/domain/[1-9]\\d*/device-model/\\d+/state .*: ${what} `, 'm');
    return Number(line.exec(log)?.[1]);
  };
  const [started, running] = [at('register'), at('deregister')];
  if (!(began < started && started < running)) throw new Error(`the log of xl contains no device model:\n${log}`);
  return { whole: Math.round((running - began) * 1000), stubdom: Math.round((running - started) * 1000) };
}
