/** stubferry on real Xen: everything that runs in one lab (lab/session.ts). */
import { describe } from '@jest/globals';
import { describeWith } from '../blockdev-utils/as-root.js';
import { checksForDom0 } from './install/checks.js';
import { packedForDom0 } from './install/package.js';
import { Session } from './lab/session.js';
import { A_LAB } from './needs.js';
import { attachesFast } from './scenarios/attach-times.js';
import { comparesWithConsoles } from './scenarios/console-comparison.js';
import { movesDevices } from './scenarios/devices.js';
import { driversInDom0 } from './scenarios/drivers.js';
import { failsWell } from './scenarios/failures.js';
import { savesAndRestores } from './scenarios/save-restore.js';
import { clean, Stage } from './scenarios/stage.js';

const cargo = async (folder: string): Promise<string[]> => {
  return [...(await packedForDom0(folder)), await checksForDom0(folder)];
};

describeWith(A_LAB, 'real Xen', () => {
  const session = new Session(cargo, clean);
  const stage = new Stage(session);
  session.endsAfterAll();

  describe('in dom0', () => driversInDom0(stage));
  describe('a guest with a stubdom', () => savesAndRestores(stage));
  describe('a guest', () => movesDevices(stage));
  describe('a disk for a stubdom', () => attachesFast(stage));
  describe('beside the consoles', () => comparesWithConsoles(stage));
  describe('what goes wrong', () => failsWell(stage));
});
