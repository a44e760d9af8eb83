import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { PatternState } from '../../support/cli/feed.js';
import { documentOf, failureOf, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();

const save = (input: string, ...more: string[]) => {
  const args = ['--json', 'save', '-i', input, '-o', scratch.path('saved'), ...scratch.options, ...more];
  return stubferry(args);
};

async function given(bytes: Uint8Array | string): Promise<string> {
  const path = scratch.path('given');
  await writeFile(path, bytes);
  return path;
}

const PATTERN = Buffer.concat([DEVICE_STATE.bytes, new PatternState(1024 * 1024).bytes()]);

const version4 = (): Buffer => {
  const bytes = Buffer.from(DEVICE_STATE.bytes);
  bytes.writeUInt32BE(4, 4);
  return bytes;
};

/** A truncated gzip file, longer than what is read to recognise it, so that the end is found during the transfer. */
const truncatedGzip = (): Buffer => gzipSync(PATTERN).subarray(0, -100_000);

const NO_STATE = { exit: 11, code: 'NOT_A_STATE', message: 'the input contains no state' };

const REFUSED: readonly (readonly [string, () => Uint8Array | string, object])[] = [
  ['other bytes', () => 'not a state', { ...NO_STATE, offset: 0, found: '"not a st"' }],
  ['bytes that control a terminal', () => '\x1b[2J', { ...NO_STATE, found: '"\\\\u{1b}[2J"' }],
  ['an empty file', () => '', { ...NO_STATE, found: 'an empty input' }],
  ['the magic alone', () => 'QEVM', { exit: 12, code: 'TRUNCATED', offset: 4 }],
  ['another QEVM version', version4, { exit: 14, code: 'UNSUPPORTED_VERSION', offset: 4, found: '4' }],
  ['a truncated gzip file', truncatedGzip, { exit: 12, code: 'TRUNCATED', message: 'the gzip stream is truncated' }],
];

describe('stubferry save refuses', () => {
  it.each(REFUSED)('%s', async (_, bytes, refusal) => {
    const path = await given(bytes());
    expect(failureOf(await save(path))).toMatchObject({ where: path, ...refusal });
    expect(scratch.has('saved')).toBe(false);
  });

  it('an empty standard input', async () => {
    const args = ['--json', 'save', '-o', scratch.path('saved'), ...scratch.options];
    expect(failureOf(await stubferry(args, { stdin: 'ignore' }))).toMatchObject({
      ...NO_STATE,
      where: 'standard input',
      found: 'an empty input',
    });
  });

  it.each([
    ['a directory', () => scratch.folder, { message: 'the input is neither a file nor a pipe', found: 'a directory' }],
    ['a missing file', () => scratch.path('x'), { message: 'cannot read the input', found: 'ENOENT' }],
  ])('%s', async (_, path, refusal) => {
    expect(failureOf(await save(path()))).toMatchObject({ exit: 10, code: 'INPUT_UNREADABLE', ...refusal });
  });
});

describe('stubferry save --opaque', () => {
  it('accepts an empty file as a state of zero bytes', async () => {
    const ended = await save(await given(''), '--opaque', '--raw');
    expect(documentOf(ended)).toMatchObject({ save: { kind: 'opaque', bytes: 0, dataRecords: 0 } });
    expect(await scratch.bytes('saved')).toHaveLength(0);
  });
});

describe.each(['inspect', 'verify'])('stubferry %s refuses', (command) => {
  it('an input that is not a state', async () => {
    const path = await given('not a state');
    expect(failureOf(await stubferry(['--json', command, path]))).toMatchObject({ ...NO_STATE, where: path });
  });

  it('an empty standard input', async () => {
    expect(failureOf(await stubferry(['--json', command, '-']))).toMatchObject({
      ...NO_STATE,
      where: 'standard input',
    });
  });
});
