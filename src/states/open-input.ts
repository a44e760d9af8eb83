/** Opens for reading what `inspect` and `verify` are given: a state in any form, or a transfer disk at rest. */
import { stat } from 'node:fs/promises';
import { StubferryError } from '../base/errors/index.js';
import { type BlockDevice, openDevice } from '../blockdev-utils/index.js';
import { openSource } from '../io/index.js';
import { type ExaminedInput, examineInput } from './recognise-state.js';

export type Given =
  | Exclude<ExaminedInput, { format: 'transfer-disk' }>
  | { readonly format: 'transfer-disk'; readonly device: BlockDevice };

/** A block device can only be a transfer disk; it is read past the page cache, which another domain's writes do not reach. */
export async function openGiven(path: string): Promise<Given> {
  const isBlockDevice = path !== '-' && (await stat(path).catch(() => undefined))?.isBlockDevice() === true;
  if (isBlockDevice) return disk(path, 'direct');
  const source = await openSource(path);
  const state = await examineInput(source, path === '-' ? 'standard input' : path).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  if (state.format !== 'transfer-disk') return state;
  await source.close();
  if (path === '-' || state.compressed) {
    throw new StubferryError('INPUT_UNREADABLE', 'a transfer disk cannot be read from a pipe or compressed', {
      where: path === '-' ? 'standard input' : path,
      expected: 'the file or device itself',
      hint: 'name the disk as an argument',
    });
  }
  return disk(path, 'buffered');
}

async function disk(path: string, access: 'direct' | 'buffered'): Promise<Given> {
  return { format: 'transfer-disk', device: await openDevice(path, { access, readOnly: true }) };
}
