/**
 * Measures how long it takes to attach a disk to a stubdom and to detach it. The ways take turns:
 *
 *     block            xl block-attach with Xen's own hotplug script
 *     block-stubferry  --attach xl
 *     xen              --attach xen
 *
 *     node attach-times.mjs STUBDOM ROUNDS
 *
 * The attach time starts with a file in memory, and ends when both ends of the vbd are Connected. The detach time
 * starts then, and ends when everything is removed. Prints the times in milliseconds, as JSON.
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
/** xvdy, which no guest of the lab uses. The Linux device number is 202 << 8 | 24 << 4. */
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
  // This is needed once for each stubdom, and is not part of an attach.
  await makeUserdata(store, stubdom, LIBXL_DIR);
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, way] of Object.entries(WAYS)) {
      const started = performance.now();
      const attached = await way.attach();
      const connected = performance.now();
      await way.detach(attached as never);
      times[name]?.attach.push(Math.round(connected - started));
      times[name]?.detach.push(Math.round(performance.now() - connected));
    }
  }
  process.stdout.write(`${JSON.stringify(times)}\n`);
} finally {
  await rm(folder, { recursive: true });
  await store.close();
}
