/**
 * Disturbs the next save while the device state is on the transfer disk and the stubferry service has not read it yet.
 *
 *     node tamper.mjs kill    kills the service
 *     node tamper.mjs flip    flips a bit of the state on the disk
 *
 * The program stops the service (SIGSTOP) as soon as the stubdom has the reply to its disk request. At that time the
 * service has the disk open, which the stubdom waits for before it requests the state from QEMU. The program prints
 * `ready` when a save may start, and later what it did.
 *
 * Exit status 3 means that it was too late. This includes a flip after which the state is committed, because the
 * service had read the state before it was stopped. A service that never detects flips is always reported as too late.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { TransferView } from '../../../src/service/index.js';

const TOO_LATE = 3;
const STATE = Buffer.from('QEVM');
/** The offset of the flipped byte in the state. It is in the name of the first section. */
const FLIPPED = 20;
/** How many bytes of the disk are searched for the state: superblock, control blocks, BEGIN, the first DATA. */
const SEARCHED = 1 << 18;
const WAIT_MS = 15_000;

const [action] = process.argv.slice(2);
const agent = Number(readFileSync('/run/stubferry-loop.agent', 'utf8'));
const follow = spawn('stubferry', ['transfers', '--follow', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
const print = (text: string): void => void process.stdout.write(`${text}\n`);

function hasReply({ stubdom, transfer }: TransferView): boolean {
  try {
    return `${execFileSync('xenstore-read', [`/local/domain/${stubdom}/data/stubferry/answer`])}`.includes(transfer);
  } catch {
    return false;
  }
}

async function meddle(view: TransferView): Promise<void> {
  while (!hasReply(view)) await delay(1);
  process.kill(agent, 'SIGSTOP');
  const disk = openSync(`/run/stubferry/${view.transfer}/transfer.img`, 'r+');
  const bytes = Buffer.alloc(SEARCHED);
  let at = -1;
  for (const since = Date.now(); at === -1 && Date.now() - since < WAIT_MS; await delay(1)) {
    readSync(disk, bytes, 0, SEARCHED, 0);
    at = bytes.indexOf(STATE);
  }
  if (at === -1) throw new Error('no state has arrived on the disk');
  if (action === 'kill') {
    process.kill(agent, 'SIGKILL');
  } else {
    writeSync(disk, Buffer.of((bytes[at + FLIPPED] ?? 0) ^ 1), 0, 1, at + FLIPPED);
    process.kill(agent, 'SIGCONT');
  }
  closeSync(disk);
  print(`${action} at ${at}`);
}

/** The transfers that existed before, which are ignored. */
const before = JSON.parse(`${execFileSync('stubferry', ['transfers', '--json'])}`) as { transfers: TransferView[] };
const known = new Set(before.transfers.map(({ transfer }) => transfer));
let isDone = false;
print('ready');
for await (const line of createInterface({ input: follow.stdout })) {
  const view = JSON.parse(line) as TransferView;
  if (known.has(view.transfer) || view.timings.ready === undefined) continue;
  const isCommitted = view.timings.committed !== undefined;
  if (isCommitted) process.exitCode = TOO_LATE;
  else if (!isDone) await meddle(view);
  isDone = true;
  // Only the end of the transfer shows whether the flip was in time.
  if (action === 'kill' || isCommitted || view.error !== undefined) break;
}
follow.kill();
