import { expect } from '@jest/globals';
import type { StateSource } from '../../../src/formats/state-source.js';

/** A source that is closed lets go of a read that waits. @param path of the source, as its error names it */
export async function expectCancelledRead(source: StateSource, path: string): Promise<void> {
  const waiting = source.read(new Uint8Array(10));
  await source.close();
  await expect(waiting).rejects.toMatchObject({
    code: 'CANCELLED',
    message: 'the source was closed',
    details: { where: path },
  });
}
