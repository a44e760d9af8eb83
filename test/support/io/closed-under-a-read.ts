import { expect } from '@jest/globals';
import type { StateSource } from '../../../src/formats/state-source.js';

/**
 * Checks that closing a source rejects its pending read.
 * @param path the path of the source in the error
 */
export async function expectCancelledRead(source: StateSource, path: string): Promise<void> {
  const pending = source.read(new Uint8Array(10));
  await source.close();
  await expect(pending).rejects.toMatchObject({
    code: 'CANCELLED',
    message: 'the source was closed',
    details: { where: path },
  });
}
