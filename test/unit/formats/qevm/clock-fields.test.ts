/**
 * Checks the table of clocks with every state that has a description: the names must exist and the offsets must be
 * correct.
 */
import { describe, expect, it } from '@jest/globals';
import { CLOCK_FIELDS, isClockByte, isClockField } from '../../../../src/formats/qevm/clock-fields.js';
import { type FlatField, flatFields } from '../../../../src/formats/qevm/flat-fields.js';
import { baseName, readFields } from '../../../../src/formats/qevm/index.js';
import { CAPTURED, fixtureBytes } from '../../../support/qevm/all-states.js';
import { read } from '../../../support/qevm/reading-states.js';

interface Device {
  readonly name: string;
  readonly version: number;
  readonly bodyLength: number;
  readonly fields: readonly FlatField[];
}

const DEVICES: readonly Device[] = CAPTURED.filter(({ description }) => description).flatMap(({ file }) => {
  const state = read(fixtureBytes(file));
  const sections = state.sections.filter(({ type }) => type === 'full');
  return (state.description?.devices ?? []).map((device, index): Device => {
    const section = sections[index];
    if (section === undefined) throw new Error('more devices than sections');
    const body = state.bodyOf(section) ?? new Uint8Array(0);
    return { ...section, name: baseName(section.name), fields: [...flatFields(readFields(body, device))] };
  });
});

/** Returns the offsets of the bytes of a body that belong to clocks, by the names of its fields. */
function clockBytes({ name, fields }: Device): Set<number> {
  return new Set(
    fields.flatMap((field) => {
      const indexes = [...field.bytes.keys()].filter((at) => {
        return field.bytes.length <= 8 ? isClockField(name, field) : isClockField(name, field, at);
      });
      return indexes.map((at) => field.offset + at);
    }),
  );
}

describe('the table of clocks', () => {
  it.each(CLOCK_FIELDS.filter(({ section }) => section !== 'kvmclock'))(
    'contains names of existing fields of $section',
    (clock) => {
      const devices = DEVICES.filter(({ name }) => name === clock.section);
      expect(devices.length).toBeGreaterThan(0);
      const labels = devices.flatMap(({ fields }) => {
        return fields.flatMap(({ path, bytes }) => [
          path,
          ...[...bytes.keys()].slice(0, 128).map((at) => `${path}+0x${at.toString(16).padStart(2, '0')}`),
        ]);
      });
      expect(labels.some((label) => clock.field.test(label))).toBe(true);
    },
  );

  it('contains the correct offsets for states without a description', () => {
    const known = new Set<string>();
    for (const device of DEVICES) {
      const { name, version, bodyLength } = device;
      const byName = clockBytes(device);
      for (let at = 0; at < bodyLength; at += 1) {
        const byOffset = isClockByte(name, version, at);
        if (byOffset === undefined || CLOCK_FIELDS.every(({ section }) => section !== name)) continue;
        known.add(name);
        if (byOffset !== byName.has(at)) throw new Error(`${name} version ${version}: wrong result for byte ${at}`);
      }
    }
    expect([...known].sort()).toEqual(
      ['apic', 'cpu', 'hpet', 'i8254', 'mc146818rtc', 'rtl8139', 'timer', 'uhci'].sort(),
    );
  });

  it('contains no offsets for a body of another version', () => {
    expect(isClockByte('timer', 2, 0)).toBe(true);
    expect(isClockByte('timer', 3, 0)).toBeUndefined();
    expect(isClockByte('piix4_pm', 3, 0)).toBeUndefined();
    expect(isClockByte('i8259', 1, 0)).toBe(false);
  });
});
