/** Part drivers: the hot-plug drivers in a real dom0, and the xenstore client with its xenstored. */
import { expect } from '@jest/globals';
import { DRIVER_NAMES } from '../../../src/xen/hotplug/index.js';
import { STUBDOM } from '../guests/stubdoms.js';
import type { Lab } from '../lab/lab.js';
import { runCheck, type Stage } from './stage.js';

const CHECKS_MS = 120_000;
const CONFIG = '/root/idle.cfg';

export function driversInDom0(stage: Stage): void {
  stage.test('the xenstore client passes its test suites with the xenstored of dom0', async (lab) => {
    const peers = await idleDomains(lab);
    const { status, stdout, stderr } = await runCheck(lab, 'xenstore-suites', peers.join(' '), CHECKS_MS);
    for (const domid of peers) await lab.check(`xl destroy ${domid}`);
    const report = `${stdout}`;
    expect({ status, stderr, failed: linesOf(report, /^ *not ok/) }).toEqual({ status: 0, stderr: '', failed: [] });
    // A program without any suites would also succeed.
    expect(report).toMatch(/^# pass \d+$/m);
    stage.session.report.remark(`xenstored of dom0: ${linesOf(report, /^# (?:pass|skipped)/).join(', ')}`);
    expect(Number(/^# pass (\d+)/m.exec(report)?.[1])).toBeGreaterThan(30);
  });

  stage.test('every hot-plug driver passes the compliance suite in dom0', async (lab) => {
    // dom0 also acts as the stubdom, with the frontend of its own kernel.
    await lab.check('modprobe xen-blkback && modprobe xen-blkfront');
    const { status, stdout } = await runCheck(lab, 'comply-in-dom0', DRIVER_NAMES.join(' '), CHECKS_MS);
    const report = `${stdout}`;
    expect(linesOf(report, /^not ok|^#/)).toEqual([]);
    expect(status).toBe(0);
    for (const driver of DRIVER_NAMES) {
      const passed = linesOf(report, new RegExp(`^ok - ${driver}, `));
      stage.session.report.remark(`the ${driver} driver in dom0: ${passed.length} checks`);
      expect(passed.length).toBeGreaterThanOrEqual(16);
    }
  });
}

/** Creates domains that may own nodes: xenstored grants nodes only to existing domains. @returns their ids */
async function idleDomains(lab: Lab): Promise<string[]> {
  const domids: string[] = [];
  for (const name of ['idle-1', 'idle-2', 'idle-3']) {
    await lab.put(CONFIG, `name = "${name}"\ntype = "pv"\nkernel = "${STUBDOM.kernel}"\nmemory = 128\n`);
    await lab.check(`xl create -q -p ${CONFIG}`);
    domids.push((await lab.check(`xl domid ${name}`)).trim());
  }
  return domids;
}

function linesOf(report: string, wanted: RegExp): string[] {
  return report.split('\n').filter((line) => wanted.test(line));
}
