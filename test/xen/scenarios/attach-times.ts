/** Part attach-times: attaches a disk to a stubdom by Xen's hotplug script, by stubferry's, and without a script. */
import { expect } from '@jest/globals';
import type { XenResults } from '../../bench/xen-results.js';
import { PICTURE } from './devices.js';
import { runCheck, type Stage } from './stage.js';

const ROUNDS = 3;
const TIMES_MS = 80_000;

export function attachesFast(stage: Stage): void {
  stage.test("the xen driver attaches in less than half the time of Xen's own script", async (lab) => {
    const guest = await stage.guest(lab, PICTURE);
    const { status, stdout, stderr } = await runCheck(
      lab,
      'attach-times',
      `${await guest.stubdomId()} ${ROUNDS}`,
      TIMES_MS,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const ways = JSON.parse(`${stdout}`) as XenResults['attach'];
    stage.session.measured({ attach: ways });
    const { report } = stage.session;
    for (const [way, { attach, detach }] of Object.entries(ways)) {
      const ratio = (median(ways.block.attach) / median(attach)).toFixed(1);
      report.remark(`attach by ${way}: ${attach.join(', ')} ms (1/${ratio}); detach: ${detach.join(', ')} ms`);
    }
    expect(median(ways.xen.attach)).toBeLessThan(median(ways.block.attach) / 2);
    expect(median(ways.xen.detach)).toBeLessThan(median(ways.block.detach));
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
