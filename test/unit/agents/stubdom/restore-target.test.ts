import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from '@jest/globals';
import { prepareRestoreTarget } from '../../../../src/agents/stubdom/restore-target.js';
import { DEFAULT_TIMEOUTS } from '../../../../src/transfer/ring/index.js';
import { SILENT_LOG } from '../../../support/agents/silent-log.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';

const TRANSFER = '6f1ed7a2-0c5b-4a2e-9b0f-3d1c8a7e5b42';

const scratch = scratchFolder();

it('names the temporary file of a restore after the transfer of the disk, even if the job names none', async () => {
  const job = { spoolDirectory: '/dev/shm', spoolLimit: 1, transferUuid: undefined };
  const target = prepareRestoreTarget({ path: scratch('incoming'), replace: false }, job, {
    ...{ timeouts: DEFAULT_TIMEOUTS, signal: new AbortController().signal, onEvent: () => undefined },
    log: SILENT_LOG,
  });
  await target.prepare(TRANSFER);
  expect(readdirSync(dirname(scratch('x')))).toEqual([`.incoming.${TRANSFER}.part`]);
  await target.close();
});
