import { expect, it } from '@jest/globals';
import { lockStubdomRole } from '../../../src/agents/role-lock.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const scratch = scratchFolder();

it('the role on a disk that was taken away since it was found is refused as such', async () => {
  await expect(lockStubdomRole(scratch('xvdz'))).rejects.toMatchObject({
    code: 'DISK_ABSENT',
    message: 'the transfer disk was taken away',
    details: { where: scratch('xvdz'), found: 'ENOENT' },
  });
});
