/**
 * Compares fields and values with the output of QEMU's own scripts/analyze-migration.py in fixtures/analyses (see
 * fixtures/README.md).
 */
import { describe, expect, it } from '@jest/globals';
import { analysisOf } from '../../../../src/formats/qevm/index.js';
import { CAPTURED, fixtureBytes } from '../../../support/qevm/all-states.js';
import { read } from '../../../support/qevm/reading-states.js';

interface Manifest {
  readonly analyses: readonly { readonly name: string; readonly file: string; readonly stateSha256: string }[];
}

const { analyses } = JSON.parse(fixtureBytes('analyses/manifest.json').toString()) as Manifest;

describe('analysisOf', () => {
  it('has a reference output of the same bytes for every state with a description', () => {
    const described = CAPTURED.filter(({ description }) => description);
    expect(analyses.map(({ name, stateSha256 }) => [name, stateSha256])).toEqual(
      described.map(({ name, sha256 }) => [name, sha256]),
    );
  });

  it.each(analyses)(
    'returns every section, field and value of $name in the order of the reference output',
    ({ name, file }) => {
      const stored = CAPTURED.find((state) => state.name === name);
      const state = read(fixtureBytes(stored?.file ?? ''));
      const expected = fixtureBytes(file).toString();
      const actual = JSON.stringify(analysisOf(state));
      // Jest cannot show the difference between megabytes of text, so unequal texts are compared as values.
      if (actual !== expected) expect(JSON.parse(actual)).toEqual(JSON.parse(expected));
      expect(actual === expected).toBe(true);
    },
  );
});
