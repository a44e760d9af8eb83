/** Tests stubferry on real Xen. All parts run in one lab (lab/session.ts). */
import { describe } from '@jest/globals';
import { describeWith } from '../support/blockdev-utils/as-root.js';
import { checksForDom0 } from './install/checks.js';
import { otherImage, packedForDom0 } from './install/package.js';
import { Session } from './lab/session.js';
import { A_LAB } from './needs.js';
import { attachesFast } from './scenarios/attach-times.js';
import { comparesWithConsoles } from './scenarios/console-comparison.js';
import { movesDevices } from './scenarios/devices.js';
import { driversInDom0 } from './scenarios/drivers.js';
import { failsWell } from './scenarios/failures.js';
import { OTHER_IMAGE, timesRestores } from './scenarios/restore-times.js';
import { savesAndRestores } from './scenarios/save-restore.js';
import { clean, Stage } from './scenarios/stage.js';

/** All parts, in the order in which they run. */
const PARTS: Readonly<Record<string, readonly [what: string, tests: (stage: Stage) => void]>> = {
  drivers: ['drivers and xenstore client', driversInDom0],
  'save-restore': ['a guest with a stubdom', savesAndRestores],
  devices: ['devices', movesDevices],
  'attach-times': ['attach times', attachesFast],
  consoles: ['comparison with the consoles', comparesWithConsoles],
  restores: ['restore times', timesRestores],
  failures: ['failures', failsWell],
};

/** The parts that the environment names, or all. .ci/run has no time for all parts. */
const wanted = process.env['STUBFERRY_XEN_PARTS']?.split(',') ?? Object.keys(PARTS);
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0) throw new Error(`no such part: ${unknown}; the parts are: ${Object.keys(PARTS).join(', ')}`);

const cargo = async (folder: string): Promise<string[]> => {
  const other = OTHER_IMAGE === undefined ? [] : [await otherImage(OTHER_IMAGE, folder)];
  return [...(await packedForDom0(folder)), await checksForDom0(folder), ...other];
};

describeWith(A_LAB, 'real Xen', () => {
  const session = new Session(cargo, clean);
  const stage = new Stage(session);
  session.endsAfterAll();

  for (const [name, [what, tests]] of Object.entries(PARTS)) {
    if (wanted.includes(name)) describe(what, () => tests(stage));
  }
});
