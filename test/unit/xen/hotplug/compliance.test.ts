/**
 * The checks of compliance.ts for the drivers that need no Xen. The lab runs them for xen and xl with
 * comply-in-dom0.ts.
 */
import { afterEach, describe, it } from '@jest/globals';
import { type DriverName, driverFor } from '../../../../src/xen/hotplug/index.js';
import { describeWith, LOOP_DEVICES, type Need, ROOT } from '../../../support/blockdev-utils/as-root.js';
import { Bench, CHECKS } from '../../../support/hotplug/compliance.js';
import { directoryIn, PLACES } from '../../../support/hotplug/places.js';

const SUITES: readonly (readonly [DriverName, readonly Need[]])[] = [
  ['file', []],
  ['loop', [ROOT, LOOP_DEVICES]],
];

for (const [name, needs] of SUITES) {
  describeWith(needs, `the ${name} driver`, () => {
    for (const [kind, parent] of PLACES) {
      describe(`with a ${kind} backing`, () => {
        let bench: Bench | undefined;
        // This hook runs before the later one that removes the directory.
        afterEach(() => bench?.end());
        const pathOf = directoryIn(parent);
        it.each(CHECKS.map((check) => [check.title, check] as const))('%s', async (_title, check) => {
          bench = new Bench({ driver: driverFor(name), kind, path: pathOf('transfer.img') });
          await check.run(bench);
        });
      });
    }
  });
}
