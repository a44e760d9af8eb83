/** The options of the commands that write one file from another, and the output that they describe. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { type Command, Option } from 'commander';
import type { OpenOutput } from '../../formats/byte-output.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { outputFor } from '../../io/index.js';
import { DEFAULT_TIMEOUTS } from '../../transfer/ring/index.js';
import { parseSize } from './parse-values.js';

/** Where a command writes, and how. */
export interface FileOutputOptions {
  readonly output: string;
  readonly force: boolean;
  readonly spoolDir: string;
  /** The maximum size of the temporary data, in bytes. */
  readonly spoolLimit: number;
}

/** Adds the options to `command`. */
export function addFileOutputOptions(command: Command): Command {
  return command
    .requiredOption('-o, --output <path>', 'output file or FIFO, or - for standard output')
    .option('--force', 'replace an existing output file', false)
    .option('--spool-dir <directory>', 'directory for temporary data when the output is not a file', tmpdir())
    .addOption(
      new Option('--spool-limit <size>', 'maximum size of the temporary data')
        .argParser(parseSize)
        .default(LIMITS.state.default, '64G'),
    );
}

/**
 * Opens the output that the options describe.
 *
 * @throws StubferryError of `outputFor`
 */
export function openOutput({ output, force, spoolDir, spoolLimit }: FileOutputOptions): Promise<OpenOutput> {
  return outputFor(output, {
    // Part of the name of the temporary file.
    transferUuid: randomUUID(),
    replace: force,
    spoolDirectory: spoolDir,
    spoolLimit,
    readerMs: DEFAULT_TIMEOUTS.absentMs,
  });
}
