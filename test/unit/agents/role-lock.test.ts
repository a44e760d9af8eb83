import { expect, it } from '@jest/globals';
import { lockStubdomRole } from '../../../src/agents/role-lock.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const scratch = scratchFolder();

it('locking the role on a disk that was removed meanwhile is rejected with DISK_ABSENT', async () => {
  await expect(lockStubdomRole(scratch('xvdz'))).rejects.toMatchObject({
    code: 'DISK_ABSENT',
    message: 'the transfer disk was removed',
    details: { where: scratch('xvdz'), found: 'ENOENT' },
  });
});
