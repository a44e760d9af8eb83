/** The options of commands that write one file from another, and the destination that they name. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { type Command, Option } from 'commander';
import type { OpenOutput } from '../../formats/byte-output.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { outputFor } from '../../io/index.js';
import { DEFAULT_TIMEOUTS } from '../../transfer/ring/index.js';
import { parseSize } from './parse-values.js';

export interface FileOutputOptions {
  readonly output: string;
  readonly force: boolean;
  readonly spoolDir: string;
  readonly spoolLimit: number;
}

export function addFileOutputOptions(command: Command): Command {
  return command
    .requiredOption('-o, --output <path>', 'where it goes: a file, a FIFO, or - for standard output')
    .option('--force', 'replace a file at the destination', false)
    .option('--spool-dir <dir>', 'where it is kept until it is whole, for a destination that is no file', tmpdir())
    .addOption(
      new Option('--spool-limit <size>', 'refuse to spool more')
        .argParser(parseSize)
        .default(LIMITS.state.default, '64G'),
    );
}

export function openOutput({ output, force, spoolDir, spoolLimit }: FileOutputOptions): Promise<OpenOutput> {
  return outputFor(output, {
    // Names the file while it is not whole yet.
    transferUuid: randomUUID(),
    replace: force,
    spoolFolder: spoolDir,
    spoolLimit,
    readerMs: DEFAULT_TIMEOUTS.absentMs,
  });
}
