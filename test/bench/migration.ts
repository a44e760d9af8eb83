/**
 * Measures a whole machine with its RAM: QEMU's own `migrate` to `exec:cat > FILE`, and a transfer through the agents
 * into a statefile. Both files are on tmpfs. The two take turns, each with its own QEMU, whose guest has never run.
 *
 *     exec:       from the command to the event with status completed. `cat` may still be writing; nothing is verified
 *     stubferry   from QEMU's first byte to COMMITTED
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { now, startAgent, timeShell } from './processes.js';
import { Client, hasQemu, withQemu } from './qemu.js';
import type { MigrationResult } from './results.js';

const MIB = 2 ** 20;
const RAM_MIB = 512;
/** How much of the RAM contains random bytes. The rest is zeros, for which QEMU sends only a mark for each page. */
const FILLED_MIB = 256;
const FILLED_FROM = 0x100_0000;
const UNLIMITED = 2 ** 40;

/** Measures both ways. @returns undefined when QEMU is not installed */
export async function migrations(folder: string, rounds: number): Promise<MigrationResult | undefined> {
  if (!hasQemu()) return undefined;
  const filling = join(folder, 'ram');
  await timeShell(`dd if=/dev/urandom of=${filling} bs=1M count=${FILLED_MIB} status=none`);
  const load = `loader,file=${filling},addr=${FILLED_FROM},force-raw=on`;
  const machine = ['-S', '-machine', 'pc', '-m', `${RAM_MIB}`, '-device', load];
  const [exec, ours]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let round = 0; round < rounds; round += 1) {
    exec.push(await byExec(folder, machine));
    const sample = await byAgents(folder, machine);
    ours.push(sample.ms);
    bytes = sample.bytes;
  }
  rmSync(filling);
  return { mib: bytes / MIB, exec, ours };
}

function byExec(folder: string, machine: readonly string[]): Promise<number> {
  const [qmp, file] = [join(folder, 'qmp'), join(folder, 'machine')];
  return withQemu([qmp], machine, async () => {
    const client = await Client.open(qmp);
    await client.command('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] });
    await client.command('migrate-set-parameters', { 'max-bandwidth': UNLIMITED });
    const start = now();
    await client.command('migrate', { uri: `exec:cat > ${file}` });
    await client.migrated();
    const ms = now() - start;
    client.close();
    rmSync(file);
    return ms;
  });
}

function byAgents(folder: string, machine: readonly string[]): Promise<{ ms: number; bytes: number }> {
  const [qmp, disk, file] = [join(folder, 'qmp'), join(folder, 'migration.img'), join(folder, 'machine')];
  return withQemu([qmp], machine, async () => {
    const dom0 = startAgent('dom0', ['--disk', disk, '--save', file]);
    await dom0.ready;
    const stubdom = startAgent('stubdom', ['--disk', disk, '--qmp', qmp, '--migrate', '--fifo-dir', folder]);
    const [{ acknowledgedAt, firstByteAt, bytes }] = await Promise.all([stubdom.report, dom0.report]);
    await Promise.all([stubdom.usage, dom0.usage]);
    rmSync(file);
    return { ms: acknowledgedAt - firstByteAt, bytes };
  });
}
