/** The process in which this copy of the product runs. Each machine has its own copy, and one process at a time. */
import type { Process } from '../machine/process.js';

let running: Process | undefined;

export function run(process: Process): void {
  running = process;
}

export function self(): Process {
  if (running === undefined) throw new Error('no process runs here');
  return running;
}

/** Returns undefined when no process exists yet, while a module is loaded. */
export function selfIfAny(): Process | undefined {
  return running;
}
