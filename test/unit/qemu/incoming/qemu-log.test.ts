import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { QemuLog } from '../../../../src/qemu/incoming/qemu-log.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';

describe('QemuLog', () => {
  const scratch = scratchFolder();

  it('returns what QEMU has written since, and not the earlier lines', async () => {
    writeFileSync(scratch('log'), 'an old error\n');
    const log = await QemuLog.from(scratch('log'));
    appendFileSync(scratch('log'), 'qemu: Unknown savevm section\n');
    await expect(log.message()).resolves.toBe('qemu: Unknown savevm section');
  });

  it('joins the lines without the empty ones', async () => {
    const log = await QemuLog.from(scratch('log'));
    writeFileSync(scratch('log'), 'one\r\n\n  two \n three');
    await expect(log.message()).resolves.toBe('one; two; three');
  });

  it('starts at the first byte of a log that did not exist', async () => {
    const log = await QemuLog.from(scratch('log'));
    writeFileSync(scratch('log'), 'first\n');
    await expect(log.message()).resolves.toBe('first');
  });

  it('starts at the first byte of a log that has become shorter', async () => {
    writeFileSync(scratch('log'), 'a long old log\n');
    const log = await QemuLog.from(scratch('log'));
    truncateSync(scratch('log'));
    appendFileSync(scratch('log'), 'new\n');
    await expect(log.message()).resolves.toBe('new');
  });

  it('returns only the end of a long log', async () => {
    const log = await QemuLog.from(scratch('log'));
    writeFileSync(scratch('log'), `${'x\n'.repeat(100_000)}the last line\n`);
    const message = await log.message();
    expect(message).toMatch(/; x; the last line$/);
    expect(message?.length).toBeLessThan(20_000);
  });

  it('waits a moment for the last lines', async () => {
    const log = await QemuLog.from(scratch('log'));
    const message = log.message();
    setTimeout(() => writeFileSync(scratch('log'), 'late\n'), 20);
    await expect(message).resolves.toBe('late');
  });

  it.each([
    ['no line', ''],
    ['empty lines', '\n\r\n  \n'],
  ])('returns undefined when QEMU has written %s', async (_what, text) => {
    writeFileSync(scratch('log'), 'before\n');
    const log = await QemuLog.from(scratch('log'));
    appendFileSync(scratch('log'), text);
    await expect(log.message()).resolves.toBeUndefined();
  });

  it('returns undefined when the log does not exist', async () => {
    const log = await QemuLog.from(scratch('log'));
    await expect(log.message()).resolves.toBeUndefined();
  });
});
