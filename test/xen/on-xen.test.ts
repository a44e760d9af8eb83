/** stubferry on real Xen: everything that runs in one lab (lab/session.ts). */
import { describe } from '@jest/globals';
import { describeWith } from '../blockdev-utils/as-root.js';
import { checksForDom0 } from './install/checks.js';
import { packedForDom0 } from './install/package.js';
import { Session } from './lab/session.js';
import { A_LAB } from './needs.js';
import { driversInDom0 } from './scenarios/drivers.js';
import { savesAndRestores } from './scenarios/save-restore.js';
import { Stage } from './scenarios/stage.js';

describeWith(A_LAB, 'real Xen', () => {
  const session = new Session(async (folder) => [...(await packedForDom0(folder)), await checksForDom0(folder)]);
  const stage = new Stage(session);
  session.endsAfterAll();

  describe('in dom0', () => driversInDom0(stage));
  describe('a guest with a stubdom', () => savesAndRestores(stage));
});
