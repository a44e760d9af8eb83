/**
 * Runs the checks of compliance.ts in a dom0, for the drivers that need one. dom0 also acts as the stubdom: its own
 * kernel has the frontend, so that the device is in the same domain. Needs dist/ and node_modules/, and no test
 * framework:
 *
 *     npm run build:dom0-checks                                               on the machine that builds
 *     modprobe xen-blkback xen-blkfront
 *     node dist/dom0/test/support/hotplug/comply-in-dom0.js [file] [loop] [xen] [xl]  in dom0, as root
 *
 * Prints a line for each check (TAP); exits with 1 when one fails.
 */
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StubferryError } from '../../../src/base/errors/index.js';
import type { BackingKind } from '../../../src/blockdev-utils/index.js';
import { type DriverName, driverFor } from '../../../src/xen/hotplug/index.js';
import { XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { Bench, CHECKS } from './compliance.js';

const TMPFS = 0x01021994;
const DRIVERS: readonly DriverName[] = ['file', 'loop', 'xen', 'xl'];
const DOM0 = 0;

/** Returns a directory in memory, and one on a disk if there is one. */
async function findLocations(): Promise<(readonly [BackingKind, string])[]> {
  const found: (readonly [BackingKind, string])[] = [['memory', '/dev/shm']];
  for (const directory of [tmpdir(), '/var/tmp', '/root']) {
    const type = await statfs(directory).then(
      (stats) => stats.type,
      () => TMPFS,
    );
    if (type !== TMPFS) return [...found, ['file', directory]];
  }
  return found;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function runCheck(name: DriverName, kind: BackingKind, parent: string, store: XenstoreClient): Promise<number> {
  let failed = 0;
  for (const { title, run } of CHECKS) {
    const directory = await mkdtemp(join(parent, 'comply-'));
    const bench = new Bench({
      driver: driverFor(name, store),
      kind,
      path: join(directory, 'transfer.img'),
      stubdom: DOM0,
    });
    const since = performance.now();
    const what = `${name}, ${kind} backing: ${title}`;
    try {
      await run(bench).finally(() => bench.end());
      print(`ok - ${what} # ${Math.round(performance.now() - since)} ms`);
    } catch (error) {
      failed += 1;
      print(`not ok - ${what}`);
      print(`# ${JSON.stringify(error instanceof StubferryError ? error.report() : `${error}`)}`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  return failed;
}

const requested = process.argv.slice(2);
const store = await XenstoreClient.connect();
let failed = 0;
for (const name of DRIVERS.filter((one) => requested.length === 0 || requested.includes(one))) {
  for (const [kind, parent] of await findLocations()) failed += await runCheck(name, kind, parent, store);
}
await store.close();
process.exitCode = failed > 0 ? 1 : 0;
