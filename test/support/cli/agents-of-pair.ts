/** The agents that a pair command (save, restore) has started. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf, type Started } from './run-stubferry.js';

/** The process id of the agent with that name; waits until it is there. */
export async function agentOf(pair: Started, name: string): Promise<number> {
  for (;;) {
    for (const pid of childrenOf(pair.pid)) {
      if (wordsOf(pid).includes(name)) return pid;
    }
    await delay(2);
  }
}

/** Its command line; nothing when it has just ended. */
function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
