import { execFileSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { CHECKS_FOLDER, checksForDom0 } from './checks.js';

const scratch = scratchFolder();

it('the program of the xenstore suites contains the suites', async () => {
  const archive = await checksForDom0(scratch(''));
  const program = `${execFileSync('tar', ['-x', '-O', '-f', archive, `.${CHECKS_FOLDER}/xenstore-suites.mjs`])}`;
  for (const suite of ['a client of xenstore', 'a transaction', 'a watch']) expect(program).toContain(`"${suite}"`);
});
