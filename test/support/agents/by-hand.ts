/** Both agents of a transfer, each started by hand, over a transfer disk that is a file. */
import type { Scratch } from '../cli/scratch.js';
import { type Agent, startAgent } from './agent.js';

export interface ByHand {
  readonly disk: string;
  readonly dom0: Agent;
  readonly stubdom: Agent;
}

export interface ByHandOptions {
  /** File of the transfer disk. */
  readonly disk?: string;
  /** More arguments for both, for dom0's, for the stubdom's. */
  readonly both?: readonly string[];
  readonly dom0?: readonly string[];
  readonly stubdom?: readonly string[];
}

/** A save of any bytes: from `source` in the stubdom to the bare state at `output` in dom0. */
export function saveByHand(scratch: Scratch, source: string, output: string, options: ByHandOptions = {}): ByHand {
  return startBoth(scratch, ['--save', output, '--raw'], ['--source', source, '--opaque'], options);
}

/** A restore of any bytes: from `input` in dom0 to `sink` in the stubdom. */
export function restoreByHand(scratch: Scratch, input: string, sink: string, options: ByHandOptions = {}): ByHand {
  return startBoth(scratch, ['--restore', input, '--opaque'], ['--sink', sink], options);
}

function startBoth(
  scratch: Scratch,
  dom0Work: readonly string[],
  stubdomWork: readonly string[],
  { disk = scratch.disk(), both = [], dom0 = [], stubdom = [] }: ByHandOptions,
): ByHand {
  const common = ['--disk', disk, '--spool-dir', scratch.spool, ...both];
  return {
    disk,
    dom0: startAgent('dom0', [...common, ...dom0Work, ...dom0]),
    stubdom: startAgent('stubdom', [...common, ...stubdomWork, ...stubdom]),
  };
}
