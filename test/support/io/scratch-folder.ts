/** A folder for each test, gone after it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';

/** To be called in a `describe`; gives paths in the folder of the running test. @param parent where that is made */
export function scratchFolder(parent: string = tmpdir()): (name: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(parent, 'stubferry-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return (name) => join(folder, name);
}
