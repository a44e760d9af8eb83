/**
 * Walks a libxl stream: docs/specs/libxl-migration-stream.pandoc of Xen, and what tools/libs/light/libxl_stream_read.c
 * makes of it.
 *
 *     header
 *     LIBXC_CONTEXT, then a whole libxc stream, whose length nobody knows before it is walked
 *     EMULATOR_XENSTORE_DATA      if the emulator has any
 *     EMULATOR_CONTEXT            for an HVM guest; none for PV and PVH
 *     END
 *
 * A checkpointed stream (Remus) alternates: each CHECKPOINT of libxc is followed by the emulator's records and a
 * CHECKPOINT_END, and then libxc goes on. The last emulator context is the one that counts.
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
import { walkEmulatorContext, walkXenstoreData } from './emulator-records.js';
import { takeLibxlHeader } from './header.js';
import { LIBXL_RECORDS, type LibxlRecordName, type LibxlType } from './record-types.js';
import type { EmulatorOf, LibxlSummary } from './summary.js';

const NAMES = namesOf(LIBXL_RECORDS);

/** Bytes of a CHECKPOINT_STATE record: a number from 0 to 3, and padding. */
const CHECKPOINT_STATE_BYTES = 8;

export class LibxlReader {
  readonly #cursor: Cursor;
  readonly #libxc: LibxcReader;
  #draft: Draft<LibxlSummary> | undefined;
  /** Between a CHECKPOINT of libxc and its CHECKPOINT_END. */
  #inCheckpoint = false;
  /** The records of emulators since the last checkpoint. */
  #emulators = new Set<string>();

  /** @param place where its header stands */
  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#libxc = new LibxcReader(cursor);
  }

  /** What was found so far: of a damaged stream, all before the damage. */
  get summary(): LibxlSummary | undefined {
    return this.#draft === undefined ? undefined : { ...this.#draft, libxc: this.#libxc.summary };
  }

  /** Walks to the END. @throws StubferryError TRUNCATED, CORRUPT, UNSUPPORTED_VERSION, UNKNOWN_RECORD, LIMIT_EXCEEDED */
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
      yield* this.#walkBody(draft, record, name);
      draft.bytes = this.#cursor.offset - offset;
      draft.ended = name === 'END';
    }
  }

  #nameOf(record: RecordHeader): LibxlRecordName {
    const name = NAMES.get(record.type);
    if (name !== undefined) return name;
    if (record.optional) return 'OPTIONAL';
    throw this.#cursor.error('UNKNOWN_RECORD', 'a libxl record of a type that is not known', {
      offset: record.offset,
      expected: 'types 0 to 5',
      found: hex32(record.type),
    });
  }

  *#walkBody(draft: Draft<LibxlSummary>, record: RecordHeader, name: LibxlRecordName): PullParser<void> {
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
        if (!this.#inCheckpoint) throw this.#outOfOrder(record, name, 'a CHECKPOINT of libxc before it');
        this.#emulators = new Set();
        this.#inCheckpoint = (yield* this.#libxc.parse()) === 'checkpoint';
        break;
      case 'CHECKPOINT_STATE':
        this.#expectLength(record, name, CHECKPOINT_STATE_BYTES);
        yield* this.#cursor.pass(record.length, name);
        break;
      case 'EMULATOR_XENSTORE_DATA':
        draft.xenstore = yield* walkXenstoreData(this.#cursor, record, draft.byteOrder);
        this.#checkEmulator(record, name, draft.xenstore);
        break;
      case 'EMULATOR_CONTEXT':
        draft.emulatorContext = yield* walkEmulatorContext(this.#cursor, record, draft.byteOrder);
        this.#checkEmulator(record, name, draft.emulatorContext);
        break;
    }
    yield* takePadding(this.#cursor, record.length, `a ${name} record`);
  }

  /** Only an HVM guest has an emulator, and of each emulator there is one record of a kind. */
  #checkEmulator(record: RecordHeader, name: LibxlType, { emulator, index }: EmulatorOf): void {
    const guest = this.#libxc.summary?.guest;
    if (guest !== 'x86 HVM')
      throw this.#outOfOrder(record, name, `records of an ${guest ?? 'HVM'} guest, or libxc first`);
    const key = `${name} ${emulator} ${index}`;
    if (this.#emulators.has(key)) throw this.#outOfOrder(record, `a second ${name} of the same emulator`, 'one');
    this.#emulators.add(key);
  }

  #expectLength(record: RecordHeader, name: LibxlType, length: number): void {
    if (record.length === length) return;
    throw this.#cursor.error('CORRUPT', `a ${name} record of a wrong length`, {
      offset: record.offset + 4,
      expected: `${length} bytes`,
      found: `${record.length} bytes`,
    });
  }

  #outOfOrder(record: RecordHeader, found: string, expected: string): Error {
    return this.#cursor.error('CORRUPT', 'a libxl record out of order', { offset: record.offset, expected, found });
  }
}
