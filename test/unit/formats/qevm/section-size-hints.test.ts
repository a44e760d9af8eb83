/** The table of usual lengths is of captured states: whoever captures more learns here what to change in it. */
import { describe, expect, it } from '@jest/globals';
import { baseName } from '../../../../src/formats/qevm/index.js';
import { hintedLength, lengthScore, SECTION_SIZE_HINTS } from '../../../../src/formats/qevm/section-size-hints.js';
import { ALL_STATES, fixtureBytes } from '../../../support/qevm/all-states.js';
import { read } from '../../../support/qevm/reading-states.js';

describe('the table of usual bodies', () => {
  it.each(ALL_STATES)('covers every device of $name, in its version and length', ({ file }) => {
    const sections = read(fixtureBytes(file)).sections.filter(({ type }) => type === 'full');
    const outside = sections.filter(({ name, version, bodyLength }) => {
      const [ofVersion, shortest, longest] = SECTION_SIZE_HINTS[baseName(name)] ?? [-1, 0, 0];
      return ofVersion !== version || bodyLength < shortest || bodyLength > longest;
    });
    expect(outside.map(({ name, version, bodyLength }) => [name, version, bodyLength])).toEqual([]);
  });
});

describe('a length', () => {
  const score = (name: string, version: number, length: number): number => {
    return lengthScore(hintedLength({ name, version }), length);
  };

  it('that is usual makes a section more plausible', () => {
    expect(score('i8259', 1, 16)).toBe(3);
    expect(score('0000:00:03.0/e1000', 2, 100_000)).toBe(3);
  });

  it('that is too long makes it less so, by how much it is too long', () => {
    expect(score('i8259', 1, 16 + 1024)).toBe(-2);
    expect(score('i8259', 1, 16 + 7 * 1024)).toBe(-6);
    expect(score('i8259', 1, 1 << 30)).toBe(-20);
  });

  it('says little of a device that is not known, or not in that version, or that holds what a guest has under way', () => {
    expect(score('unheard-of', 1, 100)).toBe(0);
    expect(score('unheard-of', 1, 2 * 1024)).toBe(-0.5);
    expect(score('i8259', 2, 2 * 1024)).toBe(-0.5);
    expect(score('virtio-gpu', 1, 45648 + 1024)).toBe(-0.5);
  });

  it('that is too short never outweighs a header', () => {
    expect(score('i8259', 1, 0)).toBe(-0.9);
    expect(score('virtio-net', 11, 0)).toBe(0);
  });

  it('of a device that is called like something of every object is not known', () => {
    expect(score('constructor', 1, 5)).toBe(0);
  });
});
