import { describe, expect, it } from '@jest/globals';
import { rehearse } from '../../src/agents/index.js';
import { rehearsalStage } from '../../src/agents/rehearsal-stage.js';
import { openNameless } from '../blockdev-utils/open-descriptors.js';
import { SILENT_LOG } from './silent-log.js';

describe('a rehearsal', () => {
  it('carries a state through this process, and leaves nothing open', async () => {
    const before = openNameless();
    await rehearse(SILENT_LOG);
    expect(openNameless()).toEqual(before);
  });

  it('leaves nothing open when its disk cannot be made', async () => {
    const before = openNameless();
    await expect(rehearsalStage(Number.MAX_SAFE_INTEGER + 1, SILENT_LOG)).rejects.toThrow();
    expect(openNameless()).toEqual(before);
  });

  it('has two ends of one disk, and takes what came out once', async () => {
    const stage = await rehearsalStage(8192, SILENT_LOG);
    await stage.sender.write(Buffer.alloc(4096, 'a'), 4096);
    const block = Buffer.alloc(4096);
    await stage.receiver.read(block, 4096);
    await stage.output.write([Buffer.from('of '), Buffer.from('it')]);
    expect([`${block.subarray(0, 3)}`, `${await stage.taken()}`, `${await stage.taken()}`]).toEqual([
      'aaa',
      'of it',
      '',
    ]);
    await stage.close();
  });
});
