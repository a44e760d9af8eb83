/** What every driver does, whatever its way, for those that need no Xen. For xen and xl see comply-in-dom0.ts, which the lab runs. */
import { afterEach, describe, it } from '@jest/globals';
import { type DriverName, driverFor } from '../../../../src/xen/hotplug/index.js';
import { describeWith, LOOP_DEVICES, type Need, ROOT } from '../../../support/blockdev-utils/as-root.js';
import { Bench, CHECKS } from '../../../support/hotplug/compliance.js';
import { folderIn, PLACES } from '../../../support/hotplug/places.js';

const SUITES: readonly (readonly [DriverName, readonly Need[]])[] = [
  ['file', []],
  ['loop', [ROOT, LOOP_DEVICES]],
];

for (const [name, needs] of SUITES) {
  describeWith(needs, `the ${name} driver`, () => {
    for (const [kind, parent] of PLACES) {
      describe(`with a ${kind} backing`, () => {
        let bench: Bench | undefined;
        // Before the folder goes, which is removed by a hook that was set later.
        afterEach(() => bench?.end());
        const place = folderIn(parent);
        it.each(CHECKS.map((check) => [check.title, check] as const))('%s', async (_title, check) => {
          bench = new Bench({ driver: driverFor(name), kind, path: place('transfer.img') });
          await check.run(bench);
        });
      });
    }
  });
}
