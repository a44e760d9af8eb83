/**
 * The two emulator records, EMULATOR_XENSTORE_DATA and EMULATOR_CONTEXT. Their bodies start with the same header.
 * Source: docs/specs/libxl-migration-stream.pandoc of Xen.
 *
 *     offset  size  field
 *     0       4     emulator: 0 unknown (converted from a legacy stream), 1 qemu-xen-traditional, 2 qemu-xen
 *     4       4     index of the emulator within the domain; libxl writes 0
 *     8             EMULATOR_XENSTORE_DATA: pairs of key NUL value NUL
 *                   EMULATOR_CONTEXT: the bytes that the emulator wrote
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

/** The length of the header of an emulator record, in bytes. */
export const EMULATOR_HEADER_BYTES = 8;
/** The longest xenstore value has 4 KiB, and a device model has a few dozen keys. */
const MAX_XENSTORE_DATA = 1024 * 1024;
/** The characters that xenstore allows in a path. */
const KEY = /^[A-Za-z0-9\-/_@]+$/;

/**
 * Parses the body of an EMULATOR_XENSTORE_DATA record.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; LIMIT_EXCEEDED: when it is too long; CORRUPT: when
 * the emulator, the pairs or a key are not valid
 */
export function* parseXenstoreData(
  cursor: Cursor,
  record: RecordHeader,
  order: ByteOrder,
): PullParser<EmulatorXenstoreData> {
  const emulator = yield* takeEmulator(cursor, record, order, 'EMULATOR_XENSTORE_DATA');
  const length = record.length - EMULATOR_HEADER_BYTES;
  if (length > MAX_XENSTORE_DATA) {
    throw cursor.error('LIMIT_EXCEEDED', 'an EMULATOR_XENSTORE_DATA record is too long', {
      offset: record.offset + 4,
      expected: `at most ${MAX_XENSTORE_DATA} bytes`,
      found: `${length} bytes`,
    });
  }
  const { offset } = cursor;
  const bytes = yield* cursor.take(length, 'xenstore data of the emulator');
  const strings = Buffer.from(bytes).toString('latin1').split('\0');
  // After the last NUL, split() returns an empty string, which does not belong to a pair.
  if (strings.pop() !== '' || strings.length % 2 !== 0) {
    throw cursor.error('CORRUPT', 'the xenstore data of the emulator is not a list of keys and values', {
      offset,
      expected: 'pairs of strings, each terminated by a NUL',
      found: `${strings.length} strings in ${length} bytes`,
    });
  }
  const entries = strings.flatMap((key, at) => (at % 2 === 0 ? [{ key, value: strings[at + 1] ?? '' }] : []));
  const bad = entries.find(({ key }) => !KEY.test(key));
  if (bad !== undefined) {
    throw cursor.error('CORRUPT', 'the xenstore data of the emulator has a key that xenstore does not allow', {
      offset,
      expected: 'letters, digits and -/_@',
      found: JSON.stringify(printable(bad.key, 64)),
    });
  }
  return { ...emulator, entries };
}

/**
 * Parses the body of an EMULATOR_CONTEXT record. It passes the device state to the driver of the parser.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when the emulator is unknown or the state
 * is empty
 */
export function* parseEmulatorContext(
  cursor: Cursor,
  record: RecordHeader,
  order: ByteOrder,
): PullParser<EmulatorContext> {
  const emulator = yield* takeEmulator(cursor, record, order, 'EMULATOR_CONTEXT');
  const { offset } = cursor;
  const length = record.length - EMULATOR_HEADER_BYTES;
  if (length === 0) {
    throw cursor.error('CORRUPT', 'the emulator context is empty', {
      expected: 'the device state that QEMU wrote',
      found: '0 bytes',
    });
  }
  yield* cursor.state(length, 'the emulator context');
  return { ...emulator, recordOffset: record.offset, offset, length };
}

/** The longest device state that fits into an EMULATOR_CONTEXT record, in bytes. */
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
  const view = viewOf(yield* cursor.take(EMULATOR_HEADER_BYTES, `the header of an ${name} record`));
  const id = view.getUint32(0, isLittle(order));
  const emulator = EMULATORS[id];
  if (emulator === undefined) {
    throw cursor.error('CORRUPT', `an ${name} record has an unknown emulator`, {
      offset,
      expected: '0 to 2',
      found: `${id}`,
    });
  }
  return { emulator, index: view.getUint32(4, isLittle(order)) };
}
