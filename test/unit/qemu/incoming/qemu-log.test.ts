import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { QemuLog } from '../../../../src/qemu/incoming/qemu-log.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';

describe('QemuLog', () => {
  const scratch = scratchFolder();

  it('says what QEMU wrote since, and nothing of what was there before', async () => {
    writeFileSync(scratch('log'), 'an old error\n');
    const log = await QemuLog.from(scratch('log'));
    appendFileSync(scratch('log'), 'qemu: Unknown savevm section\n');
    await expect(log.sentence()).resolves.toBe('qemu: Unknown savevm section');
  });

  it('joins the lines, without those that are empty', async () => {
    const log = await QemuLog.from(scratch('log'));
    writeFileSync(scratch('log'), 'one\r\n\n  two \n three');
    await expect(log.sentence()).resolves.toBe('one; two; three');
  });

  it('begins with the first byte of a log that was not there', async () => {
    const log = await QemuLog.from(scratch('log'));
    writeFileSync(scratch('log'), 'first\n');
    await expect(log.sentence()).resolves.toBe('first');
  });

  it('begins anew with a log that has become shorter', async () => {
    writeFileSync(scratch('log'), 'a long old log\n');
    const log = await QemuLog.from(scratch('log'));
    truncateSync(scratch('log'));
    appendFileSync(scratch('log'), 'new\n');
    await expect(log.sentence()).resolves.toBe('new');
  });

  it('says the end of what is long', async () => {
    const log = await QemuLog.from(scratch('log'));
    writeFileSync(scratch('log'), `${'x\n'.repeat(100_000)}the last word\n`);
    const sentence = await log.sentence();
    expect(sentence).toMatch(/; x; the last word$/);
    expect(sentence?.length).toBeLessThan(20_000);
  });

  it('waits a moment for the last words', async () => {
    const log = await QemuLog.from(scratch('log'));
    const sentence = log.sentence();
    setTimeout(() => writeFileSync(scratch('log'), 'late\n'), 20);
    await expect(sentence).resolves.toBe('late');
  });

  it.each([
    ['nothing', ''],
    ['empty lines', '\n\r\n  \n'],
  ])('has no sentence for a QEMU that wrote %s', async (_what, text) => {
    writeFileSync(scratch('log'), 'before\n');
    const log = await QemuLog.from(scratch('log'));
    appendFileSync(scratch('log'), text);
    await expect(log.sentence()).resolves.toBeUndefined();
  });

  it('has no sentence for a log that is not there', async () => {
    const log = await QemuLog.from(scratch('log'));
    await expect(log.sentence()).resolves.toBeUndefined();
  });
});
