/** The process in which this copy of the product runs now. Each machine has a copy of its own, and one process at a time. */
import type { Process } from '../machine/process.js';

let running: Process | undefined;

export function run(process: Process): void {
  running = process;
}

export function self(): Process {
  if (running === undefined) throw new Error('no process runs here');
  return running;
}

/** For what is done when a module is loaded, before there is a process. */
export function selfIfAny(): Process | undefined {
  return running;
}
