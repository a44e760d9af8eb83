/** Selects the output for a destination path: `-` (standard output), a regular file, a FIFO or a character device. */
import { fstat } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { StubferryError } from '../base/errors/index.js';
import type { OpenOutput } from '../formats/byte-output.js';
import { AtomicFile, type FileIdentity } from './atomic-file.js';
import { NULL_DEVICE, nullOutput } from './null-output.js';
import { descriptorOutput, openCharacterDevice, openFifo, pipeOutput, type StreamOutput } from './pipe-output.js';
import { SpooledOutput } from './spooled-output.js';

const STDOUT = 1;

/** The options of {@link outputFor}. */
export interface OutputOptions {
  readonly transferUuid: string;
  /** Whether a regular file at the destination may be replaced. */
  readonly replace: boolean;
  /** See {@link AtomicFileOptions.onPublish}. */
  readonly onPublish?: (file: FileIdentity) => void;
  /** The directory of the spool. */
  readonly spoolDirectory: string;
  /** The maximum size of the spool, in bytes. */
  readonly spoolLimit: number;
  /** How long to wait for a reader of a FIFO, in milliseconds. */
  readonly readerMs: number;
}

/**
 * Returns the function that opens the output for `path`. It opens nothing yet.
 * @throws StubferryError DESTINATION_UNWRITABLE: when `path` is of a kind that cannot be a destination
 */
export async function outputFor(path: string, options: OutputOptions): Promise<OpenOutput> {
  const { transferUuid, replace, onPublish } = options;
  const spooled = (openStream: () => Promise<StreamOutput>): OpenOutput => {
    return () =>
      SpooledOutput.open({ directory: options.spoolDirectory, limit: options.spoolLimit, transferUuid }, openStream);
  };
  if (path === '-') return spooled(openStdout);
  const kind = await stat(path).catch(() => undefined);
  if (kind === undefined || kind.isFile()) return () => AtomicFile.open(path, { transferUuid, replace, onPublish });
  if (kind.isCharacterDevice() && kind.rdev === NULL_DEVICE) return async () => nullOutput;
  if (kind.isFIFO()) return spooled(() => openFifo(path, options.readerMs));
  if (kind.isCharacterDevice()) return spooled(() => openCharacterDevice(path));
  throw new StubferryError('DESTINATION_UNWRITABLE', 'the destination is neither a file nor a pipe', {
    where: path,
    found: kind.isDirectory() ? 'a directory' : 'a block device or socket',
  });
}

async function openStdout(): Promise<StreamOutput> {
  const kind = await promisify(fstat)(STDOUT);
  const pollable = kind.isFIFO() || kind.isSocket();
  // The inherited descriptor must be used: reopening a file that was opened for appending would overwrite it.
  return pollable ? pipeOutput(STDOUT, 'standard output') : descriptorOutput(STDOUT, 'standard output');
}
