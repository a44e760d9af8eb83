/**
 * The check that `save` and `restore` make: before anything is done where the state is in a file already, else as soon as it
 * is saved. A guest that was stopped to be saved is still there then.
 */
import { stat } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { openKnownDestination } from '../options/destination.js';
import { type Checked, checkError } from '../render/check-report.js';
import { checkFile } from './check-command.js';

/** @throws StubferryError WOULD_NOT_LOAD; USAGE for a state that can be read only once */
export async function checkFirst(file: string, against: string, signal: AbortSignal): Promise<void> {
  const destination = await openKnownDestination(against, signal);
  if (!(await isFile(file))) {
    throw new StubferryError('USAGE', '--check needs the state in a file: it is read twice', {
      found: file === '-' ? 'standard input' : file,
    });
  }
  const error = checkError(file, await untilAborted(signal, checkFile(file, [destination])));
  if (error !== undefined) throw error;
}

/**
 * Checks a state in a file at once; of any other, returns what checks it when it is saved.
 * @throws StubferryError WOULD_NOT_LOAD; USAGE where it cannot be read afterwards either
 */
export async function checkSaved(
  input: string,
  output: string,
  against: string,
  signal: AbortSignal,
): Promise<(() => Promise<readonly Checked[]>) | undefined> {
  if (await isFile(input)) {
    await checkFirst(input, against, signal);
    return undefined;
  }
  const destination = await openKnownDestination(against, signal);
  const isThere = await stat(output).catch(() => undefined);
  if (output === '-' || (isThere !== undefined && !isThere.isFile())) {
    throw new StubferryError('USAGE', '--check needs the state in a file, before the save or after it', {
      found: `${input === '-' ? 'standard input' : input} -> ${output === '-' ? 'standard output' : output}`,
    });
  }
  return () => untilAborted(signal, checkFile(output, [destination]));
}

async function isFile(path: string): Promise<boolean> {
  return path !== '-' && (await stat(path).catch(() => undefined))?.isFile() === true;
}
