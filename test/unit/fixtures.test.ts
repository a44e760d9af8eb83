/** Every captured state, through everything that reads and writes states. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { openSource } from '../../src/io/index.js';
import { recogniseState } from '../../src/states/recognise-state.js';
import { ChunkedSource } from '../support/io/chunked-source.js';
import { readAnything, readBack } from '../support/statefile/reading.js';
import { statefileOf } from '../support/statefile/written-statefile.js';

/** The part of a manifest that is looked at here. */
interface Fixture {
  readonly file: string;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly sha256: string;
  readonly kind?: 'device-state' | 'migration-stream';
  readonly configuration?: boolean;
}

const FOLDER = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const LARGE = 1 << 20;

function manifest(path: string): Fixture[] {
  return JSON.parse(readFileSync(`${FOLDER}${path}`, 'utf8')) as Fixture[];
}

const FIXTURES: readonly Fixture[] = [
  ...manifest('manifest.json'),
  ...manifest('xen-states/manifest.json').map((fixture) => ({
    ...fixture,
    file: `xen-states/${fixture.file}`,
  })),
];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function stateIn({ file }: Fixture): Promise<Buffer> {
  const source = await openSource(`${FOLDER}${file}`);
  try {
    return await readAnything(source);
  } finally {
    await source.close();
  }
}

describe('the manifests', () => {
  it('name every file that is there, and no other', () => {
    const there = ['device-states', 'xen-states'].flatMap((folder) =>
      readdirSync(`${FOLDER}${folder}`)
        .filter((name) => name.includes('.qevm'))
        .map((name) => `${folder}/${name}`),
    );
    expect(FIXTURES.map(({ file }) => file).sort()).toEqual(there.sort());
    expect(there.length).toBeGreaterThan(50);
  });
});

describe.each(FIXTURES)('$file', (fixture) => {
  it('is stored as its manifest says', async () => {
    const state = await stateIn(fixture);
    const storedBytes = statSync(`${FOLDER}${fixture.file}`).size;
    expect({ bytes: state.length, storedBytes, sha256: sha256(state) }).toEqual({
      bytes: fixture.bytes,
      storedBytes: fixture.storedBytes,
      sha256: fixture.sha256,
    });
  });

  it('is recognised for what it is', async () => {
    const source = await openSource(`${FOLDER}${fixture.file}`);
    const opened = await recogniseState(source, fixture.file);
    await source.close();
    const named = fixture.configuration === true ? expect.stringMatching(/^(pc|isapc)/) : '';
    expect(opened).toMatchObject({
      format: 'qevm',
      compressed: fixture.file.endsWith('.gz') ? 'gzip' : false,
      start: { kind: fixture.kind ?? 'device-state', machineType: named },
    });
  });

  it('comes out of a statefile as it went in, whole and in odd pieces', async () => {
    const state = await stateIn(fixture);
    const { bytes, sha256: digest } = fixture;
    const frameBytes = bytes > LARGE ? LARGE : 5001;
    const file = await statefileOf(state, frameBytes);
    const pieces = bytes > LARGE ? [[65537]] : [[Number.POSITIVE_INFINITY], [4095], [4097, 7, 1]];
    for (const sizes of pieces) {
      const { state: back, reader } = await readBack(file, sizes);
      expect(sha256(back)).toBe(digest);
      expect(Buffer.from(reader.end?.digests?.sha256 ?? []).toString('hex')).toBe(digest);
    }
  });

  it('is read in odd pieces as it is whole', async () => {
    const stored = readFileSync(`${FOLDER}${fixture.file}`);
    for (const sizes of [[4095], [4097, 7, 1]]) {
      expect(sha256(await readAnything(new ChunkedSource(stored, sizes)))).toBe(fixture.sha256);
    }
  });
});
