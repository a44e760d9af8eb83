import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { CHECKS_FOLDER, checksForDom0 } from './checks.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checks-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('the program of the xenstore suites has the suites in it', async () => {
  const archive = await checksForDom0(folder);
  const program = `${execFileSync('tar', ['-x', '-O', '-f', archive, `.${CHECKS_FOLDER}/xenstore-suites.mjs`])}`;
  for (const suite of ['a client of xenstore', 'a transaction', 'a watch']) expect(program).toContain(`"${suite}"`);
});
