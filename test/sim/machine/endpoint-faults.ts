/** Faults of the files that a state is read from and written to, as opposed to the transfer disk. */
import type { FaultClass } from '../world/faults.js';
import type { World } from '../world/world.js';
import { errno } from './errno.js';
import type { Process } from './process.js';

export interface EndpointFault {
  readonly fault: FaultClass;
  /** The names of the system calls that it affects, on `path` and on everything in it. */
  readonly calls: readonly string[];
  readonly path: string;
  readonly errno: string | undefined;
  /** The additional time of the call, in milliseconds. */
  readonly stall: number;
  /** How many calls it may still affect, and how many are not affected first. */
  left: number;
  skip: number;
}

export class EndpointFaults {
  readonly #world: World;
  readonly faults: EndpointFault[] = [];
  /** The additional time of each read, in milliseconds. This is not a fault: a state is not available immediately. */
  readMs = 0;
  /** Files that cannot be closed or removed, because a call has failed or hangs. */
  readonly kept = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Returns the additional time of a call in milliseconds, and the error with which it fails. */
  meet(call: string, path: string, process: Process): { readonly stall: number; readonly error: Error | undefined } {
    let stall = call === 'read' ? this.readMs : 0;
    let error: Error | undefined;
    if (this.#world.calm) return { stall: 0, error };
    for (const fault of this.faults) {
      if (fault.left === 0 || !fault.calls.includes(call) || !`${path}/`.startsWith(`${fault.path}/`)) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.left -= 1;
      stall += fault.stall;
      if (call === 'unlink' || fault.stall === Number.POSITIVE_INFINITY) this.kept.add(path);
      if (fault.errno !== undefined) error = errno(fault.errno, `${path}, injected`);
      this.#world.fault(process.name, fault.fault, () => `${call} ${path} ${fault.errno ?? `${fault.stall} ms`}`);
    }
    return { stall, error };
  }
}
