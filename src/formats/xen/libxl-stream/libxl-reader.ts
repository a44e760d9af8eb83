/**
 * Parses a libxl stream. Sources: docs/specs/libxl-migration-stream.pandoc of Xen, and its implementation in
 * tools/libs/light/libxl_stream_read.c.
 *
 *     header
 *     LIBXC_CONTEXT, followed by a whole libxc stream, whose length is unknown until it is parsed
 *     EMULATOR_XENSTORE_DATA      if the emulator has any
 *     EMULATOR_CONTEXT            for an HVM guest; PV and PVH guests have none
 *     END
 *
 * A checkpointed stream (Remus) alternates between libxc and libxl: after each CHECKPOINT of libxc follow the records
 * of the emulator and a CHECKPOINT_END, and then the libxc stream continues. Xen uses the last emulator context.
 */

import {
  type Cursor,
  type Draft,
  hex32,
  namesOf,
  type PullParser,
  type RecordHeader,
  takePadding,
  takeRecordHeader,
} from '../../pull-parser/index.js';
import { LibxcReader } from '../libxc-stream/index.js';
import { parseEmulatorContext, parseXenstoreData } from './emulator-records.js';
import { takeLibxlHeader } from './header.js';
import { LIBXL_RECORDS, type LibxlRecordName, type LibxlType } from './record-types.js';
import type { EmulatorOf, LibxlSummary } from './summary.js';

const NAMES = namesOf(LIBXL_RECORDS);

/** The length of the body of a CHECKPOINT_STATE record in bytes: a number from 0 to 3, and padding. */
const CHECKPOINT_STATE_BYTES = 8;

/** The pull parser of a libxl stream. */
export class LibxlReader {
  readonly #cursor: Cursor;
  readonly #libxc: LibxcReader;
  #draft: Draft<LibxlSummary> | undefined;
  /** True between a CHECKPOINT of libxc and its CHECKPOINT_END. */
  #inCheckpoint = false;
  /** The emulator records since the last checkpoint, each as type, emulator and index. */
  #emulators = new Set<string>();

  /** @param cursor positioned at the header of the stream */
  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#libxc = new LibxcReader(cursor);
  }

  /** The summary of what was parsed so far. For a damaged stream, it covers everything before the damage. */
  get summary(): LibxlSummary | undefined {
    return this.#draft === undefined ? undefined : { ...this.#draft, libxc: this.#libxc.summary };
  }

  /**
   * Parses the stream up to END.
   *
   * @throws StubferryError TRUNCATED: when the input ends before END; UNKNOWN_RECORD: when a mandatory record has an
   * unknown type; CORRUPT, UNSUPPORTED_VERSION, LIMIT_EXCEEDED: when a header or a record is not valid
   */
  *parse(): PullParser<void> {
    const { offset } = this.#cursor;
    const header = yield* takeLibxlHeader(this.#cursor);
    const draft: Draft<LibxlSummary> = {
      ...{ offset, ...header, records: {}, libxc: undefined, xenstore: undefined, emulatorContext: undefined },
      ...{ bytes: this.#cursor.offset - offset, ended: false },
    };
    this.#draft = draft;
    while (!draft.ended) {
      const record = yield* takeRecordHeader(this.#cursor, draft.byteOrder, 'libxl');
      const name = this.#nameOf(record);
      draft.records[name] = (draft.records[name] ?? 0) + 1;
      yield* this.#parseBody(draft, record, name);
      draft.bytes = this.#cursor.offset - offset;
      draft.ended = name === 'END';
    }
  }

  #nameOf(record: RecordHeader): LibxlRecordName {
    const name = NAMES.get(record.type);
    if (name !== undefined) return name;
    if (record.optional) return 'OPTIONAL';
    throw this.#cursor.error('UNKNOWN_RECORD', 'a mandatory libxl record has an unknown type', {
      offset: record.offset,
      expected: 'types 0 to 5',
      found: hex32(record.type),
    });
  }

  *#parseBody(draft: Draft<LibxlSummary>, record: RecordHeader, name: LibxlRecordName): PullParser<void> {
    switch (name) {
      case 'OPTIONAL':
        yield* this.#cursor.pass(record.length, 'an optional libxl record');
        break;
      case 'END':
        this.#expectLength(record, name, 0);
        if (draft.records.LIBXC_CONTEXT === undefined || this.#inCheckpoint)
          throw this.#outOfOrder(record, name, this.#inCheckpoint ? 'CHECKPOINT_END' : 'LIBXC_CONTEXT');
        break;
      case 'LIBXC_CONTEXT':
        this.#expectLength(record, name, 0);
        if (draft.records.LIBXC_CONTEXT !== 1) throw this.#outOfOrder(record, `a second ${name}`, 'one');
        this.#inCheckpoint = (yield* this.#libxc.parse()) === 'checkpoint';
        break;
      case 'CHECKPOINT_END':
        this.#expectLength(record, name, 0);
        if (!this.#inCheckpoint) throw this.#outOfOrder(record, name, 'a libxc CHECKPOINT before it');
        this.#emulators = new Set();
        this.#inCheckpoint = (yield* this.#libxc.parse()) === 'checkpoint';
        break;
      case 'CHECKPOINT_STATE':
        this.#expectLength(record, name, CHECKPOINT_STATE_BYTES);
        yield* this.#cursor.pass(record.length, name);
        break;
      case 'EMULATOR_XENSTORE_DATA':
        draft.xenstore = yield* parseXenstoreData(this.#cursor, record, draft.byteOrder);
        this.#checkEmulator(record, name, draft.xenstore);
        break;
      case 'EMULATOR_CONTEXT':
        draft.emulatorContext = yield* parseEmulatorContext(this.#cursor, record, draft.byteOrder);
        this.#checkEmulator(record, name, draft.emulatorContext);
        break;
    }
    yield* takePadding(this.#cursor, record.length, `a ${name} record`);
  }

  /** Only an HVM guest has an emulator, and each emulator has one record of each type. */
  #checkEmulator(record: RecordHeader, name: LibxlType, { emulator, index }: EmulatorOf): void {
    const guest = this.#libxc.summary?.guest;
    if (guest !== 'x86 HVM')
      throw this.#outOfOrder(record, name, `records of an ${guest ?? 'HVM'} guest, after its libxc stream`);
    const key = `${name} ${emulator} ${index}`;
    if (this.#emulators.has(key)) throw this.#outOfOrder(record, `a second ${name} of the same emulator`, 'one');
    this.#emulators.add(key);
  }

  #expectLength(record: RecordHeader, name: LibxlType, length: number): void {
    if (record.length === length) return;
    throw this.#cursor.error('CORRUPT', `a ${name} record has the wrong length`, {
      offset: record.offset + 4,
      expected: `${length} bytes`,
      found: `${record.length} bytes`,
    });
  }

  #outOfOrder(record: RecordHeader, found: string, expected: string): Error {
    return this.#cursor.error('CORRUPT', 'a libxl record is out of order', { offset: record.offset, expected, found });
  }
}
