/**
 * How long a disk takes to a stubdom and away again, by each way in turn:
 *
 *     block            xl block-attach with Xen's own hotplug script
 *     block-stubferry  --attach xl
 *     xen              --attach xen
 *
 *     node attach-times.mjs STUBDOM ROUNDS
 *
 * From a file in memory until both ends of the vbd are Connected; and from there until nothing is left. Prints JSON: milliseconds.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createImage } from '../../../src/blockdev-utils/index.js';
import { driverFor } from '../../../src/xen/hotplug/index.js';
import { LIBXL_DIR, makeUserdata } from '../../../src/xen/hotplug/libxl-userdata.js';
import { XenstoreClient } from '../../../src/xen/xenstore/index.js';

const [stubdom = 0, rounds = 0] = process.argv.slice(2).map(Number);
const BYTES = 33 << 20;
/** xvdy, which nobody else takes: 202 << 8 | 24 << 4. */
const VDEV = 'xvdy';
const NUMBER = (1 << 28) | (24 << 8);
const CONNECTED = '4';

const run = promisify(execFile);
const store = await XenstoreClient.connect();
const folder = await mkdtemp('/dev/shm/attach-times-');
const image = join(folder, 'transfer.img');
await createImage(image, BYTES);

interface Way {
  attach(): Promise<unknown>;
  detach(attached: never): Promise<unknown>;
}

async function untilConnected(): Promise<void> {
  const ends = [`/local/domain/0/backend/vbd/${stubdom}/${NUMBER}`, `/local/domain/${stubdom}/device/vbd/${NUMBER}`];
  for (const end of ends) while ((await store.read(`${end}/state`)) !== CONNECTED) await delay(1);
}

function byDriver(name: 'xen' | 'xl'): Way {
  const driver = driverFor(name, store);
  return {
    attach: () => driver.attach(image, 'memory', { stubdom }),
    detach: (attached) => driver.detach(attached),
  };
}

const WAYS: Readonly<Record<string, Way>> = {
  block: {
    attach: async () => {
      await run('xl', ['block-attach', `${stubdom}`, `format=raw,vdev=${VDEV},access=rw,target=${image}`]);
      await untilConnected();
    },
    detach: () => run('xl', ['block-detach', `${stubdom}`, VDEV]),
  },
  'block-stubferry': byDriver('xl'),
  xen: byDriver('xen'),
};

const times = Object.fromEntries(
  Object.keys(WAYS).map((name) => [name, { attach: [] as number[], detach: [] as number[] }]),
);
try {
  // Once for all: it is no part of attaching.
  await makeUserdata(store, stubdom, LIBXL_DIR);
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, way] of Object.entries(WAYS)) {
      const started = performance.now();
      const attached = await way.attach();
      const there = performance.now();
      await way.detach(attached as never);
      times[name]?.attach.push(Math.round(there - started));
      times[name]?.detach.push(Math.round(performance.now() - there));
    }
  }
  process.stdout.write(`${JSON.stringify(times)}\n`);
} finally {
  await rm(folder, { recursive: true });
  await store.close();
}
