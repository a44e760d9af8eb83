import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from '@jest/globals';
import { prepareRestoring } from '../../../../src/agents/stubdom/restoring-end.js';
import { DEFAULT_TIMEOUTS } from '../../../../src/transfer/ring/index.js';
import { SILENT_LOG } from '../../../support/agents/silent-log.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';

const TRANSFER = '6f1ed7a2-0c5b-4a2e-9b0f-3d1c8a7e5b42';

const scratch = scratchFolder();

it('a restore to a file names its temporary after the transfer of the disk, also when the job names none', async () => {
  const job = { spoolFolder: '/dev/shm', spoolLimit: 1, transferUuid: undefined };
  const end = prepareRestoring({ path: scratch('incoming'), replace: false }, job, {
    ...{ timeouts: DEFAULT_TIMEOUTS, signal: new AbortController().signal, onEvent: () => undefined },
    log: SILENT_LOG,
  });
  await end.prepare(TRANSFER);
  expect(readdirSync(dirname(scratch('x')))).toEqual([`.incoming.${TRANSFER}.part`]);
  await end.close();
});
