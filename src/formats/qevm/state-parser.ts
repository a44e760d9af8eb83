/**
 * Parses a state. It parses configuration, commands and RAM as their bytes arrive, and the device sections when the
 * state is complete. The layout is in reader.ts.
 */

import { printable } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import type { ByteFeed, Parsing } from './byte-feed.js';
import { readCommand } from './commands.js';
import { type ReadConfiguration, readConfiguration } from './configuration.js';
import { splitDeviceSections } from './device-sections.js';
import { QEVM_LIMITS } from './limits.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import { RAM_VERSION, RamParser } from './ram.js';
import { hasQevmMagic, QEVM_VERSION } from './recognise.js';
import {
  AFTER_NAME,
  BEFORE_NAME,
  COMMAND,
  CONFIGURATION,
  DESCRIPTION,
  END_OF_STATE,
  FOOTER,
  FOOTER_BYTES,
  SECTION_TYPES,
  type SectionHeader,
  type SectionType,
  sectionHeaderAt,
} from './section-header.js';
import type { QevmSection, QevmState } from './state.js';

/** Length of the magic and the version, in bytes. */
const FILE_HEADER_BYTES = 8;
/** Length of the header of a part or end section, in bytes: its type and its id. */
const CONTINUATION_BYTES = 5;

/** Parses one state from a {@link ByteFeed}. */
export class StateParser {
  readonly #feed: ByteFeed;
  readonly #location: Location;
  readonly #maxDeviceBytes: number;
  readonly #sections: QevmSection[] = [];
  #configuration: ReadConfiguration | undefined;
  #ram: { readonly header: SectionHeader; readonly parser: RamParser } | undefined;
  #footers: boolean | undefined;

  constructor(feed: ByteFeed, location: Location, maxDeviceBytes: number) {
    this.#feed = feed;
    this.#location = location;
    this.#maxDeviceBytes = maxDeviceBytes;
  }

  /**
   * Parses the whole state.
   *
   * @throws StubferryError NOT_A_STATE, UNSUPPORTED_VERSION, UNKNOWN_RECORD, TRUNCATED, CORRUPT, LIMIT_EXCEEDED
   */
  *state(): Parsing<QevmState> {
    yield* this.#fileHeader();
    let consumed = yield* this.#sectionBeforeDevices();
    while (consumed === undefined) consumed = yield* this.#sectionBeforeDevices();
    return yield* this.#devices(consumed);
  }

  *#fileHeader(): Parsing<void> {
    const magic = yield* this.#feed.take(4, '"QEVM"');
    if (!hasQevmMagic(magic)) {
      const found = JSON.stringify(printable(Buffer.from(magic).toString('latin1')));
      throw parseError('NOT_A_STATE', 'this is not a QEMU state', this.#location, 0, '"QEVM"', found);
    }
    const version = yield* this.#feed.u32('the version of the format');
    if (version === QEVM_VERSION) return;
    const expected = `${QEVM_VERSION}`;
    throw parseError(
      'UNSUPPORTED_VERSION',
      'the QEMU state has an unsupported format version',
      this.#location,
      4,
      expected,
      `${version}`,
    );
  }

  /**
   * Parses the next section or command, if it is not a device section.
   *
   * @returns undefined when it was parsed; when the device sections begin, the bytes of them that were read already
   */
  *#sectionBeforeDevices(): Parsing<Uint8Array | undefined> {
    const at = this.#feed.position;
    const type = yield* this.#feed.peek();
    if (type === CONFIGURATION) return yield* this.#configurationSection(at);
    if (type === COMMAND) return yield* readCommand(this.#feed, this.#location);
    if (type === SECTION_TYPES.start) return yield* this.#start(at);
    if (type !== SECTION_TYPES.part && type !== SECTION_TYPES.end) return new Uint8Array(0);
    if (this.#ram === undefined) {
      throw this.#corrupt(
        'this section continues one that was never started',
        at,
        'the start of a section',
        hexByte(type),
      );
    }
    const header = (yield* this.#feed.take(CONTINUATION_BYTES, 'the header of a section')).slice();
    const id = viewOf(header).getUint32(1);
    if (id !== this.#ram.header.id) return header;
    yield* this.#ramSection(at, type === SECTION_TYPES.part ? 'part' : 'end', CONTINUATION_BYTES);
    return undefined;
  }

  *#configurationSection(at: number): Parsing<undefined> {
    if (at !== FILE_HEADER_BYTES) {
      throw this.#corrupt(
        'the configuration is not at the beginning of the state',
        at,
        'a section',
        hexByte(CONFIGURATION),
      );
    }
    yield* this.#feed.skip(1, 'the configuration');
    this.#configuration = yield* readConfiguration(this.#feed, this.#location);
    if (this.#configuration.capabilities.includes('mapped-ram')) {
      const [expected, found] = ['RAM as a list of pages', 'the capability mapped-ram'];
      throw parseError(
        'UNKNOWN_RECORD',
        'RAM pages at fixed offsets are not supported',
        this.#location,
        at,
        expected,
        found,
      );
    }
  }

  /** Parses the start section of RAM. RAM is the only kind of started section whose end the format itself shows. */
  *#start(at: number): Parsing<Uint8Array | undefined> {
    const beforeName = (yield* this.#feed.take(BEFORE_NAME, 'the header of a section')).slice();
    const rest = yield* this.#feed.take((beforeName[BEFORE_NAME - 1] ?? 0) + AFTER_NAME, 'the header of a section');
    const bytes = Buffer.concat([beforeName, rest]);
    const header = sectionHeaderAt(bytes, 0);
    if (header?.name !== 'ram' || this.#ram !== undefined) return bytes;
    if (header.version !== RAM_VERSION) {
      const [expected, found] = [`${RAM_VERSION}`, `${header.version}`];
      throw parseError(
        'UNSUPPORTED_VERSION',
        'the RAM section has an unsupported version',
        this.#location,
        at,
        expected,
        found,
      );
    }
    const { targetPageBits, capabilities } = this.#configuration ?? {};
    this.#ram = { header, parser: new RamParser(this.#feed, this.#location, targetPageBits, capabilities) };
    yield* this.#ramSection(at, 'start', header.headerBytes);
    return undefined;
  }

  *#ramSection(offset: number, type: SectionType, headerBytes: number): Parsing<void> {
    if (this.#ram === undefined) return;
    const { header, parser } = this.#ram;
    this.#feed.startHash();
    yield* parser.section();
    const xxh64 = this.#feed.endHash();
    const [bodyOffset, after] = [offset + headerBytes, this.#feed.position];
    const isFooter = (yield* this.#feed.peek()) === FOOTER;
    this.#footers ??= isFooter;
    if (this.#footers) {
      const footer = yield* this.#feed.take(FOOTER_BYTES, 'the footer of a RAM section');
      const id = viewOf(footer).getUint32(1);
      if (!isFooter || id !== header.id) {
        const found = isFooter ? `0x7e and section id ${id}` : hexByte(footer[0]);
        const expected = `0x7e and section id ${header.id}`;
        throw this.#corrupt('a RAM section does not end in its footer', after, expected, found);
      }
    }
    this.#add({
      ...{ id: header.id, name: header.name, instance: header.instance, version: header.version, type, offset },
      ...{ length: this.#feed.position - offset, bodyOffset, bodyLength: after - bodyOffset },
      ...{ xxh64, inferred: false, alternatives: [] },
    });
  }

  /** @param consumed the bytes of the device sections that were read already */
  *#devices(consumed: Uint8Array): Parsing<QevmState> {
    const offset = this.#feed.position - consumed.length;
    const isEnd = consumed.length === 0 && (yield* this.#feed.peek()) === END_OF_STATE;
    const front = isEnd ? yield* this.#endOfState() : consumed;
    const bytes = yield* this.#feed.rest(front, this.#maxDeviceBytes, 'the device sections');
    const devices = splitDeviceSections(bytes, offset, this.#footers, this.#location);
    for (const section of devices.sections) this.#add(section);
    const isStream = this.#configuration !== undefined || this.#ram !== undefined;
    return {
      kind: isStream ? 'migration-stream' : 'device-state',
      machineType: this.#configuration?.machineType ?? '',
      configuration: this.#configuration,
      bytes: this.#feed.position,
      split: devices.split,
      footers: devices.footers,
      sections: this.#sections,
      ram: this.#ram?.parser.ram,
      description: devices.description,
      descriptionBytes: devices.descriptionBytes,
      bodyOf: ({ bodyOffset, bodyLength }) => {
        return bodyOffset < offset ? undefined : bytes.subarray(bodyOffset - offset, bodyOffset - offset + bodyLength);
      },
    };
  }

  /** Parses the end mark of a state without devices. Only a description may follow. */
  *#endOfState(): Parsing<Uint8Array> {
    const mark = (yield* this.#feed.take(1, 'the end mark')).slice();
    const next = yield* this.#feed.peek();
    if (next === undefined || next === DESCRIPTION) return mark;
    const expected = 'the end of the state';
    throw this.#corrupt('data follows the end mark of the state', this.#feed.position, expected, hexByte(next));
  }

  #add(section: Omit<QevmSection, 'index'>): void {
    const index = this.#sections.length;
    if (index === QEVM_LIMITS.sections) {
      const expected = `at most ${QEVM_LIMITS.sections}`;
      throw parseError('LIMIT_EXCEEDED', 'too many sections', this.#location, section.offset, expected, 'more');
    }
    this.#sections.push({ index, ...section });
  }

  #corrupt(message: string, offset: number, expected: string, found: string): Error {
    return parseError('CORRUPT', message, this.#location, offset, expected, found);
  }
}
