/** Starts both agents of a transfer separately, with a transfer disk that is a file. */
import type { Scratch } from '../cli/scratch.js';
import { type Agent, startAgent } from './agent.js';

export interface ByHand {
  readonly disk: string;
  readonly dom0: Agent;
  readonly stubdom: Agent;
}

export interface ByHandOptions {
  /** The file of the transfer disk. */
  readonly disk?: string;
  /** Further arguments for both agents. */
  readonly both?: readonly string[];
  /** Further arguments for the dom0 agent. */
  readonly dom0?: readonly string[];
  /** Further arguments for the stubdom agent. */
  readonly stubdom?: readonly string[];
}

/** Starts a save of arbitrary bytes, from `source` in the stubdom to a bare state at `output` in dom0. */
export function saveByHand(scratch: Scratch, source: string, output: string, options: ByHandOptions = {}): ByHand {
  return startBoth(scratch, ['--save', output, '--raw'], ['--source', source, '--opaque'], options);
}

/** Starts a restore of arbitrary bytes, from `input` in dom0 to `sink` in the stubdom. */
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
