/** A temporary directory for each test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';

/**
 * Creates a directory before each test of a `describe` and removes it after the test.
 * @param parent the directory in which it is created
 * @returns a function that returns the path of a name in the directory of the current test
 */
export function scratchFolder(parent: string = tmpdir()): (name: string) => string {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(parent, 'stubferry-test-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return (name) => join(directory, name);
}
