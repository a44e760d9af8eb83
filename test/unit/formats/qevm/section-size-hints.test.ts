/**
 * Checks the size hints with the captured states. A new capture that does not match shows here what to change in the
 * table.
 */
import { describe, expect, it } from '@jest/globals';
import { baseName } from '../../../../src/formats/qevm/index.js';
import { lengthHintOf, lengthScore, SECTION_SIZE_HINTS } from '../../../../src/formats/qevm/section-size-hints.js';
import { ALL_STATES, fixtureBytes } from '../../../support/qevm/all-states.js';
import { read } from '../../../support/qevm/reading-states.js';

describe('SECTION_SIZE_HINTS', () => {
  it.each(ALL_STATES)('covers the version and the length of every device of $name', ({ file }) => {
    const sections = read(fixtureBytes(file)).sections.filter(({ type }) => type === 'full');
    const outside = sections.filter(({ name, version, bodyLength }) => {
      const [hintVersion, shortest, longest] = SECTION_SIZE_HINTS[baseName(name)] ?? [-1, 0, 0];
      return hintVersion !== version || bodyLength < shortest || bodyLength > longest;
    });
    expect(outside.map(({ name, version, bodyLength }) => [name, version, bodyLength])).toEqual([]);
  });
});

describe('lengthScore', () => {
  const score = (name: string, version: number, length: number): number => {
    return lengthScore(lengthHintOf({ name, version }), length);
  };

  it('is positive for a length that matches its hint', () => {
    expect(score('i8259', 1, 16)).toBe(3);
    expect(score('0000:00:03.0/e1000', 2, 100_000)).toBe(3);
  });

  it('falls with the excess of a length above its hint', () => {
    expect(score('i8259', 1, 16 + 1024)).toBe(-2);
    expect(score('i8259', 1, 16 + 7 * 1024)).toBe(-6);
    expect(score('i8259', 1, 1 << 30)).toBe(-20);
  });

  it('falls slowly without a hint, for another version, and for a device with data of the guest in flight', () => {
    expect(score('unheard-of', 1, 100)).toBe(0);
    expect(score('unheard-of', 1, 2 * 1024)).toBe(-0.5);
    expect(score('i8259', 2, 2 * 1024)).toBe(-0.5);
    expect(score('virtio-gpu', 1, 45648 + 1024)).toBe(-0.5);
  });

  it('of a length that is too short never outweighs the score of a header', () => {
    expect(score('i8259', 1, 0)).toBe(-0.9);
    expect(score('virtio-net', 11, 0)).toBe(0);
  });

  it('has no hint for a device whose name is a property of every object', () => {
    expect(score('constructor', 1, 5)).toBe(0);
  });
});
