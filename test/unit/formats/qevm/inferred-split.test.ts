/**
 * Compares the inferred split of states without footers and description with the exact split of the complete states.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { QevmState } from '../../../../src/formats/qevm/index.js';
import { ALL_STATES, CAPTURED, capturedState, FROM_XEN, fixtureBytes } from '../../../support/qevm/all-states.js';
import { deviceState, FILE_HEADER, header, type Section, section } from '../../../support/qevm/handmade-state.js';
import { listed, read } from '../../../support/qevm/reading-states.js';

/**
 * Returns the device sections of a state as QEMU writes them under Xen: no configuration, RAM, footers or description.
 */
function asUnderXen(state: QevmState, bytes: Buffer): Buffer {
  const devices = state.sections.filter(({ type }) => type === 'full');
  const sections = devices.map(({ offset, bodyOffset, bodyLength }) => bytes.subarray(offset, bodyOffset + bodyLength));
  return Buffer.concat([FILE_HEADER, ...sections, Buffer.of(0)]);
}

/** Returns the headers of the device sections, and the digests of their bodies. */
function contents({ sections }: QevmState): string[] {
  const devices = sections.filter(({ type }) => type === 'full');
  return devices.map(({ id, name, instance, version, xxh64 }) => `${id} ${name} ${instance} ${version} ${xxh64}`);
}

describe('the inferred split', () => {
  it.each(CAPTURED.filter(({ footers }) => footers))(
    'of $name without its footers equals the split by footers',
    ({ file }) => {
      const bytes = fixtureBytes(file);
      const exact = read(bytes);
      const bare = read(asUnderXen(exact, bytes));
      expect(bare.split).toBe('inferred');
      expect(bare.sections.every(({ inferred }) => inferred)).toBe(true);
      expect(contents(bare)).toEqual(contents(exact));
    },
  );

  it('of a real Xen state includes subsections in the section of their device', () => {
    const state = read(capturedState('xen-minimal'));
    const serial = state.sections.find(({ name }) => name === 'serial');
    if (serial === undefined) throw new Error('no serial port');
    const body = Buffer.from(state.bodyOf(serial) ?? []);
    expect(body.includes('serial/poll')).toBe(true);
    expect(state.sections[serial.index + 1]?.name).toBe('fdc');
  });

  it.each(FROM_XEN)('of $name has ascending ids without duplicates', ({ file }) => {
    const ids = read(fixtureBytes(file)).sections.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(ids.length).toBe(new Set(ids).size);
  });

  it('finds devices that QEMU saves before those with lower ids', () => {
    const ids = read(capturedState('q35-bridges.xen')).sections.map(({ id }) => id);
    const descents = ids.filter((id, index) => id < (ids[index - 1] ?? -1));
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
  const bytes = Buffer.concat(body.map((bytes) => Buffer.from(bytes)));
  return deviceState(PLAIN.map((device) => (device.id === 5 ? { ...device, body: bytes } : device)));
}

const names = (bytes: Buffer): string[] => read(bytes).sections.map(({ name }) => name);
const PLAIN_NAMES = PLAIN.map(({ name }) => name);

describe('a header look-alike in the body of a device', () => {
  it('does not hide the real header that its name overlaps', () => {
    const truncated = header({ id: 6, name: 'nameofthirtybytesandmorecharacters' }).subarray(0, 12);
    expect(names(withCard(BODY, truncated))).toEqual(PLAIN_NAMES);
  });

  it('is not a section if another section has its id', () => {
    expect(names(withCard('..', section({ id: 4, name: 'cpu_common', body: '12345678' }), '..'))).toEqual(PLAIN_NAMES);
  });

  it('is not a section if its id is out of order', () => {
    expect(names(withCard('..', section({ id: 99, name: 'serial', body: '' }), BODY))).toEqual(PLAIN_NAMES);
  });

  it('is not the section of the device after it, even if both headers are equal: the body would be too long', () => {
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

  it('may be part of a whole other state that has fewer devices than those that follow', () => {
    const { sections } = read(capturedState('q35-smp4.xen'));
    const bytes = capturedState('q35-smp4.xen');
    const few = read(capturedState('pc-minimal.xen')).sections.slice(0, 10);
    const cardIndex = 3;
    const other = few.map(({ offset, length }) => capturedState('pc-minimal.xen').subarray(offset, offset + length));
    const devices = sections.map(({ id, name, instance, version, bodyOffset, bodyLength }, at): Section => {
      const body = bytes.subarray(bodyOffset, bodyOffset + bodyLength);
      return { id: at < cardIndex ? id : id + 1, name, instance, version, body };
    });
    // There is no size hint for this card.
    const card = { id: sections[cardIndex]?.id ?? 0, name: '0000:00:09.0/card', body: Buffer.concat(other) };
    const all = devices.toSpliced(cardIndex, 0, card);
    expect(names(deviceState(all))).toEqual(all.map(({ name }) => name));
  });

  it('may be part of a state of the same machine type that the guest put there', () => {
    const { sections } = read(capturedState('pc-ne2k-text.xen'));
    const card = sections.find(({ name }) => name === 'ne2000');
    expect(card?.bodyLength).toBeGreaterThan(48 * 1024);
  });

  it('never hides a real section, whatever its fields and its offset are', () => {
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
        const lookAlike = header(planted);
        const victims = before.sections.filter(({ bodyLength }) => bodyLength >= lookAlike.length);
        const { bodyOffset, bodyLength } = victims[victim % victims.length] ?? { bodyOffset: 0, bodyLength: 0 };
        const changed = Buffer.from(state);
        changed.set(lookAlike, bodyOffset + Math.floor(at * (bodyLength - lookAlike.length)));
        const found = new Set(read(changed).sections.map(({ offset }) => offset));
        expect(before.sections.filter(({ offset }) => !found.has(offset))).toEqual([]);
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe('devices that precede devices with lower ids', () => {
  const LATE = PLAIN.map((device) => ({ ...device, id: device.id + 1 }));

  it('are found even if their type is unknown, if all other devices follow', () => {
    const all = [{ id: 30, name: '0000:00:09.0/iommu-of-tomorrow', body: 'on' }, ...LATE];
    expect(names(deviceState(all))).toEqual(all.map(({ name }) => name));
  });

  it('are not accepted if an id would occur twice', () => {
    const planted = Buffer.concat(LATE.slice(0, 4).map(section));
    const all = [...LATE, { id: 30, name: '0000:00:09.0/card', body: planted }];
    expect(names(deviceState(all))).toEqual(all.map(({ name }) => name));
  });
});

describe('a device state', () => {
  it('is read if it has no devices', () => {
    expect(read(deviceState([]))).toMatchObject({ kind: 'device-state', sections: [], split: 'inferred' });
  });

  it('is read if two devices have the same name and instance, as the two isa-ide of isapc do', () => {
    expect(listed(read(capturedState('isapc.xen')).sections).slice(-2)).toEqual(['20 isa-ide 0 3', '21 isa-ide 0 3']);
  });
});
