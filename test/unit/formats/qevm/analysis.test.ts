/** Fields and values, against what QEMU's own scripts/analyze-migration.py printed: fixtures/analyses, see fixtures/README.md. */
import { describe, expect, it } from '@jest/globals';
import { analysisOf } from '../../../../src/formats/qevm/index.js';
import { CAPTURED, fixtureBytes } from '../../../support/qevm/all-states.js';
import { read } from '../../../support/qevm/reading-states.js';

interface Manifest {
  readonly analyses: readonly { readonly name: string; readonly file: string; readonly stateSha256: string }[];
}

const { analyses } = JSON.parse(fixtureBytes('analyses/manifest.json').toString()) as Manifest;

describe('analyses', () => {
  it('are there for every state with a description, and of just that state', () => {
    const described = CAPTURED.filter(({ description }) => description);
    expect(analyses.map(({ name, stateSha256 }) => [name, stateSha256])).toEqual(
      described.map(({ name, sha256 }) => [name, sha256]),
    );
  });

  it.each(analyses)('of $name: every section, field and value, in the same order', ({ name, file }) => {
    const stored = CAPTURED.find((state) => state.name === name);
    const state = read(fixtureBytes(stored?.file ?? ''));
    const theirs = fixtureBytes(file).toString();
    const ours = JSON.stringify(analysisOf(state));
    // Equal texts say it all; unequal ones are compared as values, since Jest cannot show the difference of megabytes.
    if (ours !== theirs) expect(JSON.parse(ours)).toEqual(JSON.parse(theirs));
    expect(ours === theirs).toBe(true);
  });
});
