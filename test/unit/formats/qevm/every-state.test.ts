import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createXxh64, hex64 } from '../../../../src/formats/protocol/xxh64.js';
import { ALL_STATES, fixtureBytes } from '../../../support/qevm/all-states.js';
import { listed, plain, read, readInChunks } from '../../../support/qevm/reading-states.js';

describe.each(ALL_STATES)('$name', ({ file, sections, kind, footers, description, configuration, machine }) => {
  const bytes = fixtureBytes(file);
  const state = read(bytes);

  it('has the sections that QEMU itself finds when it loads the state', () => {
    if (sections === undefined) expect(listed(state.sections).length).toBeGreaterThan(20);
    else expect(listed(state.sections)).toEqual(sections);
  });

  it('is read with the kind, split, machine type and RAM that its manifest states', () => {
    const split = description ? 'description' : footers ? 'footers' : 'inferred';
    expect(state).toMatchObject({ kind, footers, split, bytes: bytes.length });
    expect(state.machineType).toBe(configuration ? machine : '');
    expect(state.description === undefined).toBe(!description);
    expect(state.ram === undefined).toBe(kind === 'device-state');
  });

  it('consists of consecutive sections, without gaps', () => {
    let at = state.sections[0]?.offset ?? 0;
    for (const { offset, length, bodyOffset, bodyLength } of state.sections) {
      expect(offset).toBe(at);
      expect(bodyOffset).toBeGreaterThan(offset);
      expect(bodyOffset + bodyLength).toBe(offset + length - (footers ? 5 : 0));
      at += length;
    }
    expect(bytes[at]).toBe(0x00);
    expect(at + 1 + (description ? 5 + state.descriptionBytes : 0)).toBe(bytes.length);
  });

  it('has the correct digest of each body', () => {
    for (const section of state.sections) {
      const body = bytes.subarray(section.bodyOffset, section.bodyOffset + section.bodyLength);
      const hash = createXxh64();
      hash.update(body);
      expect(section.xxh64).toBe(hex64(hash.digest()));
      const kept = state.bodyOf(section);
      expect(kept === undefined).toBe(section.name === 'ram');
      if (kept !== undefined) expect(Buffer.compare(kept, body)).toBe(0);
    }
  });

  it('gives the same result in chunks of odd sizes as in one chunk', () => {
    const sizes = bytes.length > 1 << 20 ? [[65537, 4099]] : [[bytes.length < 1 << 14 ? 1 : 61], [4097, 7, 1]];
    for (const chunkSizes of sizes) expect(plain(readInChunks(bytes, chunkSizes))).toEqual(plain(state));
  });
});

describe('the captured states', () => {
  it('are from many machines, and cover every way to split', () => {
    const described = ALL_STATES.filter(({ description }) => description).map(({ name }) => name.replace(/\..*/, ''));
    expect(new Set(described).size).toBeGreaterThanOrEqual(12);
    expect(new Set(ALL_STATES.map(({ footers }) => footers))).toEqual(new Set([true, false]));
    expect(new Set(ALL_STATES.map(({ sha256 }) => sha256)).size).toBe(ALL_STATES.length);
    for (const { file, sha256 } of ALL_STATES.slice(0, 3)) {
      expect(createHash('sha256').update(fixtureBytes(file)).digest('hex')).toBe(sha256);
    }
  });
});
