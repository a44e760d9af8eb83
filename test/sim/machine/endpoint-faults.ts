/** What can go wrong where a state comes from and where it goes to: the files, not the transfer disk. */
import type { FaultClass } from '../world/faults.js';
import type { World } from '../world/world.js';
import { errno } from './errno.js';
import type { Process } from './process.js';

export interface EndpointFault {
  readonly fault: FaultClass;
  /** What it meets: system calls by name, on a folder and on what is in it. */
  readonly calls: readonly string[];
  readonly path: string;
  readonly errno: string | undefined;
  /** Milliseconds that the call takes longer. */
  readonly stall: number;
  /** Calls that it may still meet, and those that pass before. */
  left: number;
  skip: number;
}

export class EndpointFaults {
  readonly #world: World;
  readonly faults: EndpointFault[] = [];
  /** A state is not there at once: so long each read of it takes, milliseconds. No fault. */
  readMs = 0;
  /** Files that cannot be let go of, and cannot be removed: that was refused, or a call hangs in them. */
  readonly kept = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** @returns milliseconds that the call takes longer, and the error that it fails with */
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
