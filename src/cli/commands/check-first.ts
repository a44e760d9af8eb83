/**
 * The check of `save --check` and `restore --check`. A state in a file is checked before anything else happens. Any
 * other state is checked as soon as it is saved; the guest that was stopped for the save still exists then.
 */
import { stat } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { openKnownDestination } from '../options/destination.js';
import { type Checked, checkError } from '../render/check-report.js';
import { checkFile } from './check-command.js';

/**
 * Checks the state in `file`.
 *
 * @throws StubferryError WOULD_NOT_LOAD: the state is incompatible
 * @throws StubferryError USAGE: the state is not in a file, so it can be read only once
 */
export async function checkFirst(file: string, against: string, signal: AbortSignal): Promise<void> {
  const destination = await openKnownDestination(against, signal);
  if (!(await isFile(file))) {
    throw new StubferryError('USAGE', '--check needs the state in a file, because it is read twice', {
      found: file === '-' ? 'standard input' : file,
    });
  }
  const error = checkError(file, await untilAborted(signal, checkFile(file, [destination])));
  if (error !== undefined) throw error;
}

/**
 * Checks a state in a file immediately. For any other input, returns the function that checks the output after the
 * save.
 *
 * @throws StubferryError WOULD_NOT_LOAD: the state is incompatible
 * @throws StubferryError USAGE: neither the input nor the output is a file
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
  const existing = await stat(output).catch(() => undefined);
  if (output === '-' || (existing !== undefined && !existing.isFile())) {
    throw new StubferryError('USAGE', '--check needs a file as the input or as the output', {
      found: `${input === '-' ? 'standard input' : input} -> ${output === '-' ? 'standard output' : output}`,
    });
  }
  return () => untilAborted(signal, checkFile(output, [destination]));
}

async function isFile(path: string): Promise<boolean> {
  return path !== '-' && (await stat(path).catch(() => undefined))?.isFile() === true;
}
