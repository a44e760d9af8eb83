/**
 * The two records of an emulator, EMULATOR_XENSTORE_DATA and EMULATOR_CONTEXT, begin alike:
 *
 *     0  4  emulator: 0 unknown (converted from a legacy stream), 1 qemu-xen-traditional, 2 qemu-xen
 *     4  4  index of the emulator for the domain; libxl writes 0
 *     8     xenstore: key NUL value NUL, and so on; context: the bytes that the emulator wrote
 */
import { printable } from '../../../base/errors/index.js';
import {
  type ByteOrder,
  type Cursor,
  isLittle,
  type PullParser,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  viewOf,
} from '../../pull-parser/index.js';
import { EMULATORS } from './record-types.js';
import type { EmulatorContext, EmulatorOf, EmulatorXenstoreData } from './summary.js';

export const EMULATOR_HEADER_BYTES = 8;
/** The longest xenstore value is 4 KiB, and a device model has some dozen keys. */
const LONGEST_XENSTORE_DATA = 1024 * 1024;
/** What xenstore allows in a path. */
const KEY = /^[A-Za-z0-9\-/_@]+$/;

/** @throws StubferryError TRUNCATED, CORRUPT, LIMIT_EXCEEDED */
export function* walkXenstoreData(
  cursor: Cursor,
  record: RecordHeader,
  order: ByteOrder,
): PullParser<EmulatorXenstoreData> {
  const whose = yield* takeEmulator(cursor, record, order, 'EMULATOR_XENSTORE_DATA');
  const length = record.length - EMULATOR_HEADER_BYTES;
  if (length > LONGEST_XENSTORE_DATA) {
    throw cursor.error('LIMIT_EXCEEDED', 'an EMULATOR_XENSTORE_DATA record is too long', {
      offset: record.offset + 4,
      expected: `at most ${LONGEST_XENSTORE_DATA} bytes`,
      found: `${length} bytes`,
    });
  }
  const { offset } = cursor;
  const bytes = yield* cursor.take(length, 'xenstore data of the emulator');
  const strings = Buffer.from(bytes).toString('latin1').split('\0');
  // Behind the last NUL there is nothing: an empty string, which is none of the pairs.
  if (strings.pop() !== '' || strings.length % 2 !== 0) {
    throw cursor.error('CORRUPT', 'the xenstore data of the emulator are no keys and values', {
      offset,
      expected: 'pairs of strings, each ended by a NUL',
      found: `${strings.length} strings in ${length} bytes`,
    });
  }
  const entries = strings.flatMap((key, at) => (at % 2 === 0 ? [{ key, value: strings[at + 1] ?? '' }] : []));
  const bad = entries.find(({ key }) => !KEY.test(key));
  if (bad !== undefined) {
    throw cursor.error('CORRUPT', 'the xenstore data of the emulator have a key that xenstore does not allow', {
      offset,
      expected: 'letters, digits and -/_@',
      found: JSON.stringify(printable(bad.key, 64)),
    });
  }
  return { ...whose, entries };
}

/** Goes past the state of the emulator. @throws StubferryError TRUNCATED, CORRUPT */
export function* walkEmulatorContext(
  cursor: Cursor,
  record: RecordHeader,
  order: ByteOrder,
): PullParser<EmulatorContext> {
  const whose = yield* takeEmulator(cursor, record, order, 'EMULATOR_CONTEXT');
  const { offset } = cursor;
  const length = record.length - EMULATOR_HEADER_BYTES;
  if (length === 0) {
    throw cursor.error('CORRUPT', 'the emulator context is empty', {
      expected: 'the device state that QEMU wrote',
      found: '0 bytes',
    });
  }
  yield* cursor.state(length, 'the emulator context');
  return { ...whose, recordOffset: record.offset, offset, length };
}

/** The header of an EMULATOR_CONTEXT record, for a state of `length` bytes. */
export const LONGEST_EMULATOR_CONTEXT = 0xffff_ffff - EMULATOR_HEADER_BYTES;

function* takeEmulator(cursor: Cursor, record: RecordHeader, order: ByteOrder, name: string): PullParser<EmulatorOf> {
  if (record.length < EMULATOR_HEADER_BYTES) {
    throw cursor.error('CORRUPT', `an ${name} record is too short`, {
      offset: record.offset + RECORD_HEADER_BYTES - 4,
      expected: `at least ${EMULATOR_HEADER_BYTES} bytes`,
      found: `${record.length} bytes`,
    });
  }
  const { offset } = cursor;
  const view = viewOf(yield* cursor.take(EMULATOR_HEADER_BYTES, `the head of an ${name} record`));
  const id = view.getUint32(0, isLittle(order));
  const emulator = EMULATORS[id];
  if (emulator === undefined) {
    throw cursor.error('CORRUPT', `an ${name} record names no known emulator`, {
      offset,
      expected: '0 to 2',
      found: `${id}`,
    });
  }
  return { emulator, index: view.getUint32(4, isLittle(order)) };
}
