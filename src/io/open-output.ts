/** Says how to open what a path names as a destination: `-`, a regular file, a FIFO, a character device. */
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

export interface OutputOptions {
  readonly transferUuid: string;
  /** Whether a regular file at the destination may be replaced. */
  readonly replace: boolean;
  /** See {@link AtomicFileOptions.onPublish}. */
  readonly onPublish?: (file: FileIdentity) => void;
  readonly spoolFolder: string;
  readonly spoolLimit: number;
  /** How long to wait for a reader of a FIFO, milliseconds. */
  readonly readerMs: number;
}

/** @throws StubferryError DESTINATION_UNWRITABLE for what can be no destination */
export async function outputFor(path: string, options: OutputOptions): Promise<OpenOutput> {
  const { transferUuid, replace, onPublish } = options;
  const spooled = (openStream: () => Promise<StreamOutput>): OpenOutput => {
    return () =>
      SpooledOutput.open({ folder: options.spoolFolder, limit: options.spoolLimit, transferUuid }, openStream);
  };
  if (path === '-') return spooled(openStdout);
  const there = await stat(path).catch(() => undefined);
  if (there === undefined || there.isFile()) return () => AtomicFile.open(path, { transferUuid, replace, onPublish });
  if (there.isCharacterDevice() && there.rdev === NULL_DEVICE) return async () => nullOutput;
  if (there.isFIFO()) return spooled(() => openFifo(path, options.readerMs));
  if (there.isCharacterDevice()) return spooled(() => openCharacterDevice(path));
  throw new StubferryError('DESTINATION_UNWRITABLE', 'the destination is neither a file nor a pipe', {
    where: path,
    found: there.isDirectory() ? 'a folder' : 'a block device or socket',
  });
}

async function openStdout(): Promise<StreamOutput> {
  const kind = await promisify(fstat)(STDOUT);
  const pollable = kind.isFIFO() || kind.isSocket();
  // The descriptor itself: opened anew, a file that was opened to be appended to would be overwritten.
  return pollable ? pipeOutput(STDOUT, 'standard output') : descriptorOutput(STDOUT, 'standard output');
}
