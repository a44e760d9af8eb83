import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { differingRanges } from '../../../../src/formats/qevm/byte-ranges.js';
import { compareStates } from '../../../../src/formats/qevm/index.js';
import { ALL_STATES, capturedState, fixtureBytes } from '../../../support/qevm/all-states.js';
import { deviceState, type Section } from '../../../support/qevm/handmade-state.js';
import { read } from '../../../support/qevm/reading-states.js';

const ALL = { ignoreClock: false };

const DEVICES: readonly Section[] = [
  { id: 0, name: 'timer', version: 2, body: 't'.repeat(24) },
  { id: 1, name: 'dma', body: 'd'.repeat(75) },
  { id: 2, name: 'dma', instance: 1, body: 'e'.repeat(75) },
  { id: 3, name: '0000:00:03.0/card', body: 'card' },
];

function compare(before: readonly Section[], after: readonly Section[], options = ALL) {
  return compareStates(read(deviceState(before)), read(deviceState(after)), options);
}

describe('two states', () => {
  it.each(ALL_STATES)('have no differences if both are $name', ({ file }) => {
    const state = read(fixtureBytes(file));
    const { others, sections, onlyClocks, same } = compareStates(state, state, ALL);
    expect([others, sections, onlyClocks]).toEqual([[], [], []]);
    expect(same).toBe(state.sections.filter(({ type }) => type === 'full').length);
  });

  it('do not differ if only the ids of their sections differ', () => {
    const moved = DEVICES.map((device) => ({ ...device, id: device.id + 7 }));
    expect(compare(DEVICES, moved)).toMatchObject({ sections: [], same: 4 });
  });

  it('differ in sections that only one of them has', () => {
    const [one, other] = [DEVICES.slice(0, 3), [...DEVICES.slice(0, 1), ...DEVICES.slice(2)]];
    expect(compare(one, other).sections).toMatchObject([
      { kind: 'removed', name: 'dma', instance: 0 },
      { kind: 'added', name: '0000:00:03.0/card', instance: 0 },
    ]);
  });

  it('differ in a version', () => {
    const newer = DEVICES.map((device) => (device.id === 3 ? { ...device, version: 2 } : device));
    const { sections } = compare(DEVICES, newer);
    expect(sections).toMatchObject([{ kind: 'changed', name: '0000:00:03.0/card', changes: [] }]);
    expect([sections[0]?.before?.version, sections[0]?.after?.version]).toEqual([1, 2]);
  });

  it('differ in bytes', () => {
    const changed = DEVICES.map((device) => (device.id === 3 ? { ...device, body: 'cArD' } : device));
    const [difference] = compare(DEVICES, changed).sections;
    expect(difference?.described).toBe(false);
    expect(difference?.changes).toEqual([
      { field: undefined, type: undefined, offset: 1, before: Buffer.from('a'), after: Buffer.from('A') },
      { field: undefined, type: undefined, offset: 3, before: Buffer.from('d'), after: Buffer.from('D') },
    ]);
  });

  it('differ in one range if a body is longer in the second state', () => {
    const longer = DEVICES.map((device) => (device.id === 3 ? { ...device, body: 'care and' } : device));
    expect(compare(DEVICES, longer).sections[0]?.changes).toMatchObject([
      { offset: 3, before: Buffer.from(''), after: Buffer.from('e an') },
    ]);
  });

  it('have sections with the same name and instance compared in their order', () => {
    const twice = [DEVICES[0], { id: 1, name: 'twice', body: 'first' }, { id: 2, name: 'twice', body: 'other' }];
    const [before, after] = [twice, twice.with(2, { id: 2, name: 'twice', body: 'OTHER' })].map((devices) => {
      return devices.flatMap((device) => device ?? []);
    });
    expect(compare(before ?? [], after ?? []).sections).toMatchObject([{ name: 'twice', changes: [{ offset: 0 }] }]);
  });

  it('differ in fields if one of them has a description', () => {
    const { sections } = compareStates(
      read(capturedState('pc-minimal.description')),
      read(capturedState('pc-minimal.xen')),
      ALL,
    );
    const i8259 = sections.find(({ name, instance }) => name === 'i8259' && instance === 1);
    expect(i8259).toMatchObject({ described: true });
    expect(i8259?.changes.map(({ field }) => field)).toEqual(['imr', 'irq_base', 'init4', 'elcr']);
  });

  it('differ in their kind, their machine type and their RAM', () => {
    const { others } = compareStates(
      read(capturedState('pc-minimal.xen')),
      read(capturedState('pc-minimal.description')),
      ALL,
    );
    expect(others.map(({ what }) => what)).toEqual(['kind', 'machine type', 'blocks of RAM', 'pages of RAM']);
  });
});

describe('two states of one guest, with clocks ignored', () => {
  const CLOCK = { ignoreClock: true };

  it('differ only in what a restore under Xen changes', () => {
    const [before, after] = ['xen-minimal', 'xen-minimal-restored'].map((name) => read(capturedState(name)));
    if (before === undefined || after === undefined) throw new Error('no states');
    expect(compareStates(before, after, ALL).sections.map(({ name }) => name)).toEqual([
      'timer',
      'mc146818rtc',
      '0000:00:01.1/ide',
    ]);
    const { sections, onlyClocks } = compareStates(before, after, CLOCK);
    expect(sections.map(({ name, changes }) => [name, changes.length])).toEqual([['0000:00:01.1/ide', 1]]);
    expect(onlyClocks.map(({ name }) => name)).toEqual(['timer', 'mc146818rtc']);
  });

  it('differ in the bytes next to a clock', () => {
    const timer = (body: string): Section => ({ id: 0, name: 'timer', version: 2, body });
    const [before, after] = [`${'a'.repeat(8)}uu${'-'.repeat(14)}`, `${'b'.repeat(8)}vu${'-'.repeat(14)}`];
    const { sections } = compare([timer(before)], [timer(after)], CLOCK);
    expect(sections).toMatchObject([{ ignored: 1, changes: [{ offset: 8, before: Buffer.from('u') }] }]);
  });

  it('differ in a section whose clocks are at unknown offsets', () => {
    const timer = (body: string): Section => ({ id: 0, name: 'timer', version: 9, body });
    const { sections } = compare([timer('a'.repeat(24))], [timer('b'.repeat(24))], CLOCK);
    expect(sections).toMatchObject([{ ignored: 0, clocksUnknown: true, changes: [{ offset: 0 }] }]);
  });
});

describe('differingRanges', () => {
  it('returns the ranges that turn the first body into the second one, if both have the same length', () => {
    const pairs = fc.uint8Array({ minLength: 1, maxLength: 60 }).chain((before) => {
      const other = fc.uint8Array({ minLength: before.length, maxLength: before.length, max: 3 });
      return other.map((after) => [before.map((byte) => byte % 4), after] as const);
    });
    fc.assert(
      fc.property(pairs, ([before, after]) => {
        const patched = Uint8Array.from(before);
        for (const { offset, after: length } of differingRanges(before, after)) {
          patched.set(after.subarray(offset, offset + length), offset);
        }
        expect(patched).toEqual(after);
      }),
    );
  });

  it('returns one range that turns the first body into the second one, if their lengths differ', () => {
    const bytes = fc.uint8Array({ maxLength: 40, max: 2 });
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        fc.pre(before.length !== after.length);
        const [range] = differingRanges(before, after);
        if (range === undefined) throw new Error('no range');
        const { offset, before: from, after: to } = range;
        const turned = [...before.subarray(0, offset), ...after.subarray(offset, offset + to)];
        expect([...turned, ...before.subarray(offset + from)]).toEqual([...after]);
      }),
    );
  });

  it('limits the number of ranges', () => {
    const [before, after] = [new Uint8Array(100_000), new Uint8Array(100_000).map((_, at) => at % 2)];
    const ranges = differingRanges(before, after);
    expect(ranges).toHaveLength(4097);
    expect(ranges.at(-1)).toEqual({ offset: 8193, before: 91807, after: 91807 });
  });
});
