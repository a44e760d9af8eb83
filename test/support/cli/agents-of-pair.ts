/** Finds the agents that a pair command (`save`, `restore`) has started. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf, type Started } from './run-stubferry.js';

/** Waits until the agent with that name runs. @returns its process id */
export async function agentOf(pair: Started, name: string): Promise<number> {
  for (;;) {
    for (const pid of childrenOf(pair.pid)) {
      if (argumentsOf(pid).includes(name)) return pid;
    }
    await delay(2);
  }
}

/** The arguments of a process; none when it has just ended. */
function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
