/**
 * Parses a libxc stream, which contains the memory and the processors of a domain. The format is described in
 * headers.ts, page-data.ts and record-rules.ts. Source: docs/specs/libxc-migration-stream.pandoc of Xen.
 *
 *     image header, domain header
 *     CPUID and MSR policies ... STATIC_DATA_END      (version 3)
 *     PAGE_DATA ...
 *     other records, in any order
 *     END
 *
 * The document requires HVM_PARAMS before HVM_CONTEXT. Xen 4.17 itself writes them in the opposite order (as in
 * fixtures/xl-save), so this parser accepts both orders.
 *
 * A CHECKPOINT record (Remus) interrupts the stream and returns to libxl. The stream continues after libxl's
 * CHECKPOINT_END.
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
import { parsePageData } from './page-data.js';
import { parseBody } from './record-bodies.js';
import { LIBXC_RECORDS, type LibxcRecordName, type LibxcType } from './record-types.js';
import type { LibxcSummary } from './summary.js';

/** Xen's own limit for the length of a record, in bytes: REC_LENGTH_MAX in xg_sr_stream_format.h. */
const MAX_RECORD_BYTES = 128 * 1024 * 1024;

const NAMES = namesOf(LIBXC_RECORDS);

/** The pull parser of a libxc stream. */
export class LibxcReader {
  readonly #cursor: Cursor;
  #draft: Draft<LibxcSummary> | undefined;
  #guestWidth: number | undefined;

  /** @param cursor positioned at the image header */
  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** The summary of what was parsed so far. For a damaged stream, it covers everything before the damage. */
  get summary(): LibxcSummary | undefined {
    return this.#draft;
  }

  /**
   * Parses the stream up to END or to the next CHECKPOINT. After a CHECKPOINT, the next call continues the stream.
   *
   * @throws StubferryError TRUNCATED: when the input ends early; UNKNOWN_RECORD: when a mandatory record has an unknown
   * type; LIMIT_EXCEEDED: when a record is too long; CORRUPT, UNSUPPORTED_VERSION: when a header or a record is not
   * valid
   */
  *parse(): PullParser<'end' | 'checkpoint'> {
    this.#draft ??= yield* this.#takeHeaders();
    const draft = this.#draft;
    for (;;) {
      const record = yield* takeRecordHeader(this.#cursor, draft.byteOrder, 'libxc');
      const name = yield* this.#parseRecord(draft, record);
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

  *#parseRecord(draft: Draft<LibxcSummary>, record: RecordHeader): PullParser<LibxcRecordName> {
    if (record.length > MAX_RECORD_BYTES) {
      throw this.#cursor.error('LIMIT_EXCEEDED', 'a libxc record is longer than Xen allows', {
        offset: record.offset + 4,
        expected: `at most ${MAX_RECORD_BYTES} bytes`,
        found: `${record.length} bytes`,
      });
    }
    const name = NAMES.get(record.type);
    if (name === undefined && !record.optional) {
      throw this.#cursor.error('UNKNOWN_RECORD', 'a mandatory libxc record has an unknown type', {
        offset: record.offset,
        expected: 'types 0x00 to 0x12',
        found: hex32(record.type),
      });
    }
    if (name === undefined) yield* this.#cursor.pass(record.length, 'an optional libxc record');
    else if (name === 'PAGE_DATA') yield* this.#parsePages(draft, record);
    else yield* this.#parseOther(draft, record, name);
    yield* takePadding(this.#cursor, record.length, `a ${name ?? 'libxc'} record`);
    return name ?? 'OPTIONAL';
  }

  *#parsePages(draft: Draft<LibxcSummary>, record: RecordHeader): PullParser<void> {
    this.#expectBefore(draft, record, 'PAGE_DATA', 'STATIC_DATA_END', draft.version >= 3);
    const { described, withData } = yield* parsePageData(this.#cursor, record, draft.byteOrder);
    draft.pages = { described: draft.pages.described + described, withData: draft.pages.withData + withData };
  }

  *#parseOther(
    draft: Draft<LibxcSummary>,
    record: RecordHeader,
    name: Exclude<LibxcType, 'PAGE_DATA'>,
  ): PullParser<void> {
    if (name === 'CHECKPOINT_DIRTY_PFN_LIST') {
      throw this.#cursor.error('CORRUPT', 'the libxc stream has a record that only a secondary sends', {
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
    const found = yield* parseBody(this.#cursor, record, name, { ...draft, guestWidth: this.#guestWidth });
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
