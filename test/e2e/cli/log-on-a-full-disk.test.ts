import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE, sha256 } from '../../support/cli/captured-states.js';
import { PROGRAM, start } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();

describe('a log that cannot be written', () => {
  it('does not prevent both agents from saving the state', async () => {
    // Each write to /dev/full fails with ENOSPC.
    const full = openSync('/dev/full', 'w');
    const output = scratch.path('saved');
    const args = ['--log-level', 'debug', 'save', '-i', DEVICE_STATE.path, '-o', output, '--raw', ...scratch.options];
    const { exit } = await start(process.execPath, [PROGRAM, ...args], ['ignore', 'ignore', full]).ended;
    closeSync(full);
    expect({ exit, sha256: sha256(await scratch.bytes('saved')) }).toEqual({ exit: 0, sha256: DEVICE_STATE.sha256 });
  });
});
