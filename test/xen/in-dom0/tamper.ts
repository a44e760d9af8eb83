/**
 * Meddles with the next save, when the device state is on the transfer disk and dom0's agent has not read it yet.
 *
 *     node tamper.mjs kill    kills the agent
 *     node tamper.mjs flip    flips a bit of the state on the disk
 *
 * The agent is stopped (SIGSTOP) as soon as the stubdom was told of its disk: it is on it then, which the stubdom waits for before it asks
 * QEMU for the state. Prints `ready` when a save may begin, and then what it did. Exit status 3: it came too late. That is so as well when the
 * state is committed behind a flip: then the agent had read it before it was stopped. An agent that never notices is always too late.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { TransferView } from '../../../src/service/index.js';

const TOO_LATE = 3;
const STATE = Buffer.from('QEVM');
/** Within the state, behind what begins it: the first section's name. */
const FLIPPED = 20;
/** From the beginning of the disk: superblock, control blocks, BEGIN, the first DATA. */
const SEARCHED = 1 << 18;
const WAIT_MS = 15_000;

const [action] = process.argv.slice(2);
const agent = Number(readFileSync('/run/stubferry-loop.agent', 'utf8'));
const follow = spawn('stubferry', ['transfers', '--follow', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function wasTold({ stubdom, transfer }: TransferView): boolean {
  try {
    return `${execFileSync('xenstore-read', [`/local/domain/${stubdom}/data/stubferry/answer`])}`.includes(transfer);
  } catch {
    return false;
  }
}

async function meddle(view: TransferView): Promise<void> {
  while (!wasTold(view)) await delay(1);
  process.kill(agent, 'SIGSTOP');
  const disk = openSync(`/run/stubferry/${view.transfer}/transfer.img`, 'r+');
  const bytes = Buffer.alloc(SEARCHED);
  let at = -1;
  for (const since = Date.now(); at === -1 && Date.now() - since < WAIT_MS; await delay(1)) {
    readSync(disk, bytes, 0, SEARCHED, 0);
    at = bytes.indexOf(STATE);
  }
  if (at === -1) throw new Error('no state came to the disk');
  if (action === 'kill') {
    process.kill(agent, 'SIGKILL');
  } else {
    writeSync(disk, Buffer.of((bytes[at + FLIPPED] ?? 0) ^ 1), 0, 1, at + FLIPPED);
    process.kill(agent, 'SIGCONT');
  }
  closeSync(disk);
  say(`${action} at ${at}`);
}

/** What was told of when this began is of no interest. */
const before = JSON.parse(`${execFileSync('stubferry', ['transfers', '--json'])}`) as { transfers: TransferView[] };
const known = new Set(before.transfers.map(({ transfer }) => transfer));
let isDone = false;
say('ready');
for await (const line of createInterface({ input: follow.stdout })) {
  const view = JSON.parse(line) as TransferView;
  if (known.has(view.transfer) || view.timings.ready === undefined) continue;
  const isCommitted = view.timings.committed !== undefined;
  if (isCommitted) process.exitCode = TOO_LATE;
  else if (!isDone) await meddle(view);
  isDone = true;
  // Only the end of the transfer shows whether a flip came in time.
  if (action === 'kill' || isCommitted || view.error !== undefined) break;
}
follow.kill();
