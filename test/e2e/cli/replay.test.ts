import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { DEVICE_STATE, GZIPPED_STATE, MIGRATION_STREAM, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(180_000);

const replay = (states: readonly string[], ...more: string[]): string[] => {
  return ['replay', ...states, '--scratch-dir', scratch.spool, ...scratch.options, ...more];
};

describe('stubferry replay', () => {
  it('reports for each state that it is identical both ways', async () => {
    const { exit, stdout, stderr } = await stubferry(replay([DEVICE_STATE.path, XEN_STATE.path]));
    const text = stdout.toString();
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(text).toMatch(/^pc-minimal\.xen\.qevm +12449 .* identical$/m);
    expect(text).toMatch(/^xen-minimal\.qevm +6674 .* identical$/m);
    expect(text).toMatch(/\n2 of 2 states identical both ways\n$/);
  });

  it('reports each state with --json', async () => {
    const states = [GZIPPED_STATE, MIGRATION_STREAM];
    const ended = await stubferry(
      replay(
        states.map(({ path }) => path),
        '--json',
      ),
    );
    expect(documentOf(ended)).toMatchObject({
      replayed: states.map(({ path, bytes, sha256 }) => ({ state: path, bytes: bytes.length, sha256 })),
    });
  });

  it('accepts a statefile', async () => {
    const statefile = scratch.path('statefile');
    await stubferry(['save', '-i', DEVICE_STATE.path, '-o', statefile, ...scratch.options]);
    const ended = await stubferry(replay([statefile], '--json'));
    expect(documentOf(ended)).toMatchObject({ replayed: [{ sha256: DEVICE_STATE.sha256 }] });
  });

  it('transfers every state of a real stubdom with the smallest ring and frame', async () => {
    const directory = dirname(XEN_STATE.path);
    const states = readdirSync(directory).filter((name) => /\.qevm(\.gz)?$/.test(name));
    const paths = states.map((name) => join(directory, name));
    const ended = await stubferry(replay(paths, '--json', '--ring', '64K', '--frame', '4K'));
    expect(documentOf<{ replayed: unknown[] }>(ended).replayed).toHaveLength(states.length);
  });

  it('stops at a file that is not a state, and names the file', async () => {
    const none = join(dirname(XEN_STATE.path), 'manifest.json');
    expect(failureOf(await stubferry(replay([none], '--json')))).toMatchObject({
      exit: 11,
      code: 'NOT_A_STATE',
      message: 'the input contains no state',
      where: none,
    });
  });
});
