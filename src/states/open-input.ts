/** Opens the input of `inspect` and `verify`: a state in any format, or a transfer disk that is not in use. */
import { stat } from 'node:fs/promises';
import { StubferryError } from '../base/errors/index.js';
import { type BlockDevice, openDevice } from '../blockdev-utils/index.js';
import { openSource } from '../io/index.js';
import { type ExaminedInput, examineInput } from './recognise-state.js';

/** An opened input. A transfer disk comes as a device, all other inputs as in {@link ExaminedInput}. */
export type OpenedInput =
  | Exclude<ExaminedInput, { format: 'transfer-disk' }>
  | { readonly format: 'transfer-disk'; readonly device: BlockDevice };

/**
 * Opens the input at `path`, or standard input for `-`.
 *
 * A block device can only be a transfer disk. It is read without the page cache, because the writes of another domain
 * do not reach that cache.
 * @throws StubferryError INPUT_UNREADABLE: when the input cannot be read, or is a transfer disk in a pipe or compressed
 * @throws StubferryError: any error of {@link examineInput} or {@link openDevice}
 */
export async function openInput(path: string): Promise<OpenedInput> {
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
    throw new StubferryError(
      'INPUT_UNREADABLE',
      'a transfer disk cannot be read from a pipe or from a compressed file',
      {
        where: path === '-' ? 'standard input' : path,
        expected: 'the file or device itself',
        hint: 'pass the path of the disk as an argument',
      },
    );
  }
  return disk(path, 'buffered');
}

async function disk(path: string, access: 'direct' | 'buffered'): Promise<OpenedInput> {
  return { format: 'transfer-disk', device: await openDevice(path, { access, readOnly: true }) };
}
