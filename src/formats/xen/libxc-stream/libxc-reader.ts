/**
 * Walks a libxc stream: the memory and the processors of a domain. Of the format: headers.ts, page-data.ts,
 * record-rules.ts.
 *
 *     image header, domain header
 *     CPUID and MSR policies ... STATIC_DATA_END      (version 3)
 *     PAGE_DATA ...
 *     the rest, in any order
 *     END
 *
 * The document asks that HVM_PARAMS come before HVM_CONTEXT; Xen 4.17 itself writes them the other way round (seen in
 * fixtures/xl-save), so no order is asked of them here.
 *
 * A CHECKPOINT record (Remus) hands the stream back to libxl in the middle; it goes on after libxl's CHECKPOINT_END.
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
import { takeDomainHeader, takeImageHeader } from './headers.js';
import { walkPageData } from './page-data.js';
import { walkBody } from './record-bodies.js';
import { LIBXC_RECORDS, type LibxcRecordName, type LibxcType } from './record-types.js';
import type { LibxcSummary } from './summary.js';

/** Xen's own limit for a record: REC_LENGTH_MAX in xg_sr_stream_format.h. */
const LONGEST_RECORD = 128 * 1024 * 1024;

const NAMES = namesOf(LIBXC_RECORDS);

export class LibxcReader {
  readonly #cursor: Cursor;
  #draft: Draft<LibxcSummary> | undefined;
  #guestWidth: number | undefined;

  /** @param place where the image header stands */
  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** What was found so far: of a damaged stream, all before the damage. */
  get summary(): LibxcSummary | undefined {
    return this.#draft;
  }

  /**
   * Walks to the END, or to the next CHECKPOINT.
   * @throws StubferryError TRUNCATED, CORRUPT, UNSUPPORTED_VERSION, UNKNOWN_RECORD, LIMIT_EXCEEDED
   */
  *parse(): PullParser<'end' | 'checkpoint'> {
    this.#draft ??= yield* this.#takeHeaders();
    const draft = this.#draft;
    for (;;) {
      const record = yield* takeRecordHeader(this.#cursor, draft.byteOrder, 'libxc');
      const name = yield* this.#walkRecord(draft, record);
      draft.records[name] = (draft.records[name] ?? 0) + 1;
      draft.bytes = this.#cursor.offset - draft.offset;
      if (name === 'END') draft.ended = true;
      if (name === 'END') return 'end';
      if (name === 'CHECKPOINT') return 'checkpoint';
    }
  }

  *#takeHeaders(): PullParser<Draft<LibxcSummary>> {
    const { offset } = this.#cursor;
    const { version, byteOrder } = yield* takeImageHeader(this.#cursor);
    const domain = yield* takeDomainHeader(this.#cursor, byteOrder);
    const bytes = this.#cursor.offset - offset;
    const pages = { described: 0, withData: 0 };
    return { offset, version, byteOrder, ...domain, records: {}, pages, bytes, ended: false };
  }

  *#walkRecord(draft: Draft<LibxcSummary>, record: RecordHeader): PullParser<LibxcRecordName> {
    if (record.length > LONGEST_RECORD) {
      throw this.#cursor.error('LIMIT_EXCEEDED', 'a libxc record is longer than Xen allows', {
        offset: record.offset + 4,
        expected: `at most ${LONGEST_RECORD} bytes`,
        found: `${record.length} bytes`,
      });
    }
    const name = NAMES.get(record.type);
    if (name === undefined && !record.optional) {
      throw this.#cursor.error('UNKNOWN_RECORD', 'a libxc record of a type that is not known', {
        offset: record.offset,
        expected: 'types 0x00 to 0x12',
        found: hex32(record.type),
      });
    }
    if (name === undefined) yield* this.#cursor.pass(record.length, 'an optional libxc record');
    else if (name === 'PAGE_DATA') yield* this.#walkPages(draft, record);
    else yield* this.#walkOther(draft, record, name);
    yield* takePadding(this.#cursor, record.length, `a ${name ?? 'libxc'} record`);
    return name ?? 'OPTIONAL';
  }

  *#walkPages(draft: Draft<LibxcSummary>, record: RecordHeader): PullParser<void> {
    this.#expectBefore(draft, record, 'PAGE_DATA', 'STATIC_DATA_END', draft.version >= 3);
    const { described, withData } = yield* walkPageData(this.#cursor, record, draft.byteOrder);
    draft.pages = { described: draft.pages.described + described, withData: draft.pages.withData + withData };
  }

  *#walkOther(
    draft: Draft<LibxcSummary>,
    record: RecordHeader,
    name: Exclude<LibxcType, 'PAGE_DATA'>,
  ): PullParser<void> {
    if (name === 'CHECKPOINT_DIRTY_PFN_LIST') {
      throw this.#cursor.error('CORRUPT', 'a record that only goes from the secondary to the primary', {
        offset: record.offset,
        expected: 'records of a primary',
        found: name,
      });
    }
    if (name === 'END' || name === 'CHECKPOINT') {
      this.#expectBefore(draft, record, name, 'STATIC_DATA_END', draft.version >= 3);
      this.#expectBefore(draft, record, name, 'HVM_CONTEXT', draft.guest === 'x86 HVM');
      this.#expectBefore(draft, record, name, 'X86_PV_INFO', draft.guest === 'x86 PV');
    }
    if (name === 'STATIC_DATA_END' && draft.records.STATIC_DATA_END !== undefined) {
      throw this.#cursor.error('CORRUPT', 'the libxc stream has a second STATIC_DATA_END record', {
        offset: record.offset,
        expected: 'one',
        found: 'two',
      });
    }
    const found = yield* walkBody(this.#cursor, record, name, { ...draft, guestWidth: this.#guestWidth });
    this.#guestWidth = found.guestWidth ?? this.#guestWidth;
  }

  #expectBefore(
    draft: Draft<LibxcSummary>,
    record: RecordHeader,
    found: LibxcType,
    expected: LibxcType,
    applies: boolean,
  ): void {
    if (!applies || draft.records[expected] !== undefined) return;
    throw this.#cursor.error('CORRUPT', `the libxc stream has no ${expected} record before ${found}`, {
      offset: record.offset,
      expected,
      found,
    });
  }
}
