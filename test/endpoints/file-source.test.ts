import { writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { FileSource } from '../../src/endpoints/index.js';
import { openOn, untilClosed } from '../blockdev-utils/open-descriptors.js';
import { scratchFolder } from './scratch-folder.js';

const scratch = scratchFolder();

it('a file that is closed under a read is let go of when the read has ended, and read to its end', async () => {
  writeFileSync(scratch('state'), 'abc');
  const source = await FileSource.open(scratch('state'));
  const into = new Uint8Array(10);
  const reading = source.read(into);
  await source.close();
  await source.close();
  expect(openOn(scratch('state'))).toBe(1);
  expect(await reading).toBe(3);
  await untilClosed(scratch('state'));
});
