/** stubferry on real Xen: everything that runs in one lab (lab/session.ts). */
import { expect } from '@jest/globals';
import { describeWith } from '../blockdev-utils/as-root.js';
import { HvmGuest } from './guests/hvm-guest.js';
import { STUBDOM } from './guests/stubdoms.js';
import { Dom0Agent } from './install/dom0-agent.js';
import { packedForDom0 } from './install/package.js';
import type { Lab } from './lab/lab.js';
import { Session } from './lab/session.js';
import { A_LAB } from './needs.js';

const session = new Session(packedForDom0);

const agentIn = (lab: Lab): Promise<Dom0Agent> => {
  return session.once("dom0's agent", async () => {
    const agent = new Dom0Agent(lab);
    await agent.start();
    return agent;
  });
};

describeWith(A_LAB, 'on real Xen', () => {
  session.endsAfterAll();

  session.test('a guest with a stubdom goes on counting where it was when it was saved and restored', async (lab) => {
    const agent = await agentIn(lab);
    const guest = await HvmGuest.create(lab, { name: 'plain', stubdom: STUBDOM });
    expect(await guest.save('/root/plain.save')).toMatchObject({ status: 0 });
    await guest.restore('/root/plain.save');
    expect(await guest.breaks()).toEqual([]);
    process.stderr.write(await agent.log());
    process.stderr.write(await guest.stubdomLog());
    await guest.destroy();
  });
});
