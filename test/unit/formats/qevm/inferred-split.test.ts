/** The split of states that say nothing of it, against states that do. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { QevmState } from '../../../../src/formats/qevm/index.js';
import { ALL_STATES, CAPTURED, capturedState, FROM_XEN, fixtureBytes } from '../../../support/qevm/all-states.js';
import { deviceState, FILE_HEADER, header, type Section, section } from '../../../support/qevm/handmade-state.js';
import { listed, read } from '../../../support/qevm/reading-states.js';

/** The devices of a state as Xen has QEMU write them: no configuration, RAM, footers or description. */
function withoutHelp(state: QevmState, bytes: Buffer): Buffer {
  const devices = state.sections.filter(({ type }) => type === 'full');
  const parts = devices.map(({ offset, bodyOffset, bodyLength }) => bytes.subarray(offset, bodyOffset + bodyLength));
  return Buffer.concat([FILE_HEADER, ...parts, Buffer.of(0)]);
}

/** Names and bodies. */
function shapes({ sections }: QevmState): string[] {
  const devices = sections.filter(({ type }) => type === 'full');
  return devices.map(({ id, name, instance, version, xxh64 }) => `${id} ${name} ${instance} ${version} ${xxh64}`);
}

describe('the inferred split', () => {
  it.each(CAPTURED.filter(({ footers }) => footers))('of $name without its footers is that with them', ({ file }) => {
    const bytes = fixtureBytes(file);
    const exact = read(bytes);
    const bare = read(withoutHelp(exact, bytes));
    expect(bare.split).toBe('inferred');
    expect(bare.sections.every(({ inferred }) => inferred)).toBe(true);
    expect(shapes(bare)).toEqual(shapes(exact));
  });

  it('of a real Xen state keeps subsections with their device', () => {
    const state = read(capturedState('xen-minimal'));
    const serial = state.sections.find(({ name }) => name === 'serial');
    if (serial === undefined) throw new Error('no serial port');
    const body = Buffer.from(state.bodyOf(serial) ?? []);
    expect(body.includes('serial/poll')).toBe(true);
    expect(state.sections[serial.index + 1]?.name).toBe('fdc');
  });

  it.each(FROM_XEN)('of $name counts up without a gap but for the hot-pluggable ones', ({ file }) => {
    const ids = read(fixtureBytes(file)).sections.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(ids.length).toBe(new Set(ids).size);
  });

  it('finds devices that QEMU saves before those with lower ids', () => {
    const ids = read(capturedState('q35-bridges.xen')).sections.map(({ id }) => id);
    const descents = ids.filter((id, place) => id < (ids[place - 1] ?? -1));
    expect(descents.length).toBeGreaterThan(0);
  });
});

const BODY = 'x'.repeat(60);
const PLAIN: readonly Section[] = [
  { id: 0, name: 'timer', version: 2, body: 't'.repeat(24) },
  { id: 4, name: 'cpu_common', body: 'c'.repeat(8) },
  { id: 5, name: '0000:00:03.0/card', body: BODY },
  { id: 6, name: 'i8259', body: 'i'.repeat(16) },
  { id: 7, name: 'dma', body: 'd'.repeat(75) },
];

/** Replaces the body of the card. */
function withCard(...body: (Uint8Array | string)[]): Buffer {
  const bytes = Buffer.concat(body.map((part) => Buffer.from(part)));
  return deviceState(PLAIN.map((one) => (one.id === 5 ? { ...one, body: bytes } : one)));
}

const names = (bytes: Buffer): string[] => read(bytes).sections.map(({ name }) => name);
const PLAIN_NAMES = PLAIN.map(({ name }) => name);

describe('what looks like a header in the body of a device', () => {
  it('does not hide the real one that its name reaches into', () => {
    const cut = header({ id: 6, name: 'nameofthirtybytesandmorecharacters' }).subarray(0, 12);
    expect(names(withCard(BODY, cut))).toEqual(PLAIN_NAMES);
  });

  it('is no section when its id is that of another one', () => {
    expect(names(withCard('..', section({ id: 4, name: 'cpu_common', body: '12345678' }), '..'))).toEqual(PLAIN_NAMES);
  });

  it('is no section when it is out of order', () => {
    expect(names(withCard('..', section({ id: 99, name: 'serial', body: '' }), BODY))).toEqual(PLAIN_NAMES);
  });

  it('is not the device behind it, though it is the very same header: that one would be too long', () => {
    const bytes = withCard(BODY, section({ id: 6, name: 'i8259', body: 'i'.repeat(16) }), BODY);
    const { sections } = read(bytes);
    expect(sections.map(({ name }) => name)).toEqual(PLAIN_NAMES);
    const i8259 = sections[3];
    expect(i8259).toMatchObject({ bodyLength: 16, inferred: true });
    expect(i8259?.alternatives).toHaveLength(1);
    expect(bytes.subarray(i8259?.alternatives[0], (i8259?.alternatives[0] ?? 0) + 6).toString('latin1')).toBe(
      '\u0004\0\0\0\u0006\u0005',
    );
  });

  it('may be a whole other state, of fewer devices than there are behind it', () => {
    const { sections } = read(capturedState('q35-smp4.xen'));
    const bytes = capturedState('q35-smp4.xen');
    const few = read(capturedState('pc-minimal.xen')).sections.slice(0, 10);
    const place = 3;
    const other = few.map(({ offset, length }) => capturedState('pc-minimal.xen').subarray(offset, offset + length));
    const devices = sections.map(({ id, name, instance, version, bodyOffset, bodyLength }, at): Section => {
      const body = bytes.subarray(bodyOffset, bodyOffset + bodyLength);
      return { id: at < place ? id : id + 1, name, instance, version, body };
    });
    // A card of a kind that nobody knows.
    const card = { id: sections[place]?.id ?? 0, name: '0000:00:09.0/card', body: Buffer.concat(other) };
    const all = devices.toSpliced(place, 0, card);
    expect(names(deviceState(all))).toEqual(all.map(({ name }) => name));
  });

  it('may be the state of a machine of the same kind, put there by the guest', () => {
    const { sections } = read(capturedState('pc-ne2k-text.xen'));
    const card = sections.find(({ name }) => name === 'ne2000');
    expect(card?.bodyLength).toBeGreaterThan(48 * 1024);
  });

  it('never costs a real section, whatever it is and wherever it stands', () => {
    const states = ALL_STATES.filter(({ name }) => /^(pc-minimal|q35-smp4|pc-usb)\.xen$|^xen-minimal$/.test(name));
    const arbitrary = fc.record({
      state: fc.constantFrom(...states.map(({ file }) => fixtureBytes(file))),
      victim: fc.nat(),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      id: fc.oneof(fc.nat(60), fc.nat(0xfffff)),
      name: fc.constantFrom('serial', '0000:00:04.0/e1000', 'i8254', 'a name with spaces', 'x'.repeat(80)),
      instance: fc.nat(3),
      version: fc.nat(20),
    });
    fc.assert(
      fc.property(arbitrary, ({ state, victim, at, ...planted }) => {
        const before = read(state);
        const look = header(planted);
        const victims = before.sections.filter(({ bodyLength }) => bodyLength >= look.length);
        const { bodyOffset, bodyLength } = victims[victim % victims.length] ?? { bodyOffset: 0, bodyLength: 0 };
        const changed = Buffer.from(state);
        changed.set(look, bodyOffset + Math.floor(at * (bodyLength - look.length)));
        const found = new Set(read(changed).sections.map(({ offset }) => offset));
        expect(before.sections.filter(({ offset }) => !found.has(offset))).toEqual([]);
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe('devices that come before those with lower ids', () => {
  const LATE = PLAIN.map((one) => ({ ...one, id: one.id + 1 }));

  it('are found though nobody has heard of them, when all others follow', () => {
    const all = [{ id: 30, name: '0000:00:09.0/iommu-of-tomorrow', body: 'on' }, ...LATE];
    expect(names(deviceState(all))).toEqual(all.map(({ name }) => name));
  });

  it('are not believed to be any when an id would come twice', () => {
    const planted = Buffer.concat(LATE.slice(0, 4).map(section));
    const all = [...LATE, { id: 30, name: '0000:00:09.0/card', body: planted }];
    expect(names(deviceState(all))).toEqual(all.map(({ name }) => name));
  });
});

describe('a device state', () => {
  it('without devices is read', () => {
    expect(read(deviceState([]))).toMatchObject({ kind: 'device-state', sections: [], split: 'inferred' });
  });

  it('with two devices of the same name and instance is read: isapc has two isa-ide', () => {
    expect(listed(read(capturedState('isapc.xen')).sections).slice(-2)).toEqual(['20 isa-ide 0 3', '21 isa-ide 0 3']);
  });
});
