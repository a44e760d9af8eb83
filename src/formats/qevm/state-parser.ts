/** Walks through a state: what says where it ends at once, the device part when all of it is there. Layout: reader.ts. */

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

/** Magic and version. */
const FILE_HEADER_BYTES = 8;
/** Type and id: all that a part or end section has of a header. */
const CONTINUATION_BYTES = 5;

export class StateParser {
  readonly #feed: ByteFeed;
  readonly #location: Location;
  readonly #maxDeviceBytes: number;
  readonly #sections: QevmSection[] = [];
  #configuration: ReadConfiguration | undefined;
  #ram: { readonly header: SectionHeader; readonly walk: RamParser } | undefined;
  #footers: boolean | undefined;

  constructor(feed: ByteFeed, location: Location, maxDeviceBytes: number) {
    this.#feed = feed;
    this.#location = location;
    this.#maxDeviceBytes = maxDeviceBytes;
  }

  *state(): Parsing<QevmState> {
    yield* this.#fileHeader();
    let front = yield* this.#walked();
    while (front === undefined) front = yield* this.#walked();
    return yield* this.#devices(front);
  }

  *#fileHeader(): Parsing<void> {
    const magic = yield* this.#feed.take(4, '"QEVM"');
    if (!hasQevmMagic(magic)) {
      const found = JSON.stringify(printable(Buffer.from(magic).toString('latin1')));
      throw parseError('NOT_A_STATE', 'this is no QEMU state', this.#location, 0, '"QEVM"', found);
    }
    const version = yield* this.#feed.u32('the version of the format');
    if (version === QEVM_VERSION) return;
    const expected = `${QEVM_VERSION}`;
    throw parseError(
      'UNSUPPORTED_VERSION',
      'a QEMU state of another version',
      this.#location,
      4,
      expected,
      `${version}`,
    );
  }

  /** Walks past one thing that says where it ends; else returns what was read of the device part already. */
  *#walked(): Parsing<Uint8Array | undefined> {
    const at = this.#feed.position;
    const type = yield* this.#feed.peek();
    if (type === CONFIGURATION) return yield* this.#configurationSection(at);
    if (type === COMMAND) return yield* readCommand(this.#feed, this.#location);
    if (type === SECTION_TYPES.start) return yield* this.#start(at);
    if (type !== SECTION_TYPES.part && type !== SECTION_TYPES.end) return new Uint8Array(0);
    if (this.#ram === undefined) {
      throw this.#corrupt('a section goes on that was never started', at, 'the start of a section', hexByte(type));
    }
    const header = (yield* this.#feed.take(CONTINUATION_BYTES, 'the header of a section')).slice();
    const id = viewOf(header).getUint32(1);
    if (id !== this.#ram.header.id) return header;
    yield* this.#ramSection(at, type === SECTION_TYPES.part ? 'part' : 'end', CONTINUATION_BYTES);
    return undefined;
  }

  *#configurationSection(at: number): Parsing<undefined> {
    if (at !== FILE_HEADER_BYTES) {
      throw this.#corrupt('a configuration that is not at the beginning', at, 'a section', hexByte(CONFIGURATION));
    }
    yield* this.#feed.skip(1, 'the configuration');
    this.#configuration = yield* readConfiguration(this.#feed, this.#location);
    if (this.#configuration.capabilities.includes('mapped-ram')) {
      const [expected, found] = ['RAM as a list of pages', 'the capability mapped-ram'];
      throw parseError('UNKNOWN_RECORD', 'RAM that is kept at fixed places', this.#location, at, expected, found);
    }
  }

  /** RAM is the one kind of started section whose end can be found by walking. */
  *#start(at: number): Parsing<Uint8Array | undefined> {
    const front = (yield* this.#feed.take(BEFORE_NAME, 'the header of a section')).slice();
    const after = yield* this.#feed.take((front[BEFORE_NAME - 1] ?? 0) + AFTER_NAME, 'the header of a section');
    const bytes = Buffer.concat([front, after]);
    const header = sectionHeaderAt(bytes, 0);
    if (header?.name !== 'ram' || this.#ram !== undefined) return bytes;
    if (header.version !== RAM_VERSION) {
      const [expected, found] = [`${RAM_VERSION}`, `${header.version}`];
      throw parseError('UNSUPPORTED_VERSION', 'RAM of another version', this.#location, at, expected, found);
    }
    const { targetPageBits, capabilities } = this.#configuration ?? {};
    this.#ram = { header, walk: new RamParser(this.#feed, this.#location, targetPageBits, capabilities) };
    yield* this.#ramSection(at, 'start', header.headerBytes);
    return undefined;
  }

  *#ramSection(offset: number, type: SectionType, headerBytes: number): Parsing<void> {
    if (this.#ram === undefined) return;
    const { header, walk } = this.#ram;
    this.#feed.startHash();
    yield* walk.section();
    const xxh64 = this.#feed.endHash();
    const [bodyOffset, after] = [offset + headerBytes, this.#feed.position];
    const isFooter = (yield* this.#feed.peek()) === FOOTER;
    this.#footers ??= isFooter;
    if (this.#footers) {
      const footer = yield* this.#feed.take(FOOTER_BYTES, 'the footer of a section of RAM');
      const id = viewOf(footer).getUint32(1);
      if (!isFooter || id !== header.id) {
        const found = isFooter ? `0x7e and section id ${id}` : hexByte(footer[0]);
        const expected = `0x7e and section id ${header.id}`;
        throw this.#corrupt('a section of RAM does not end in its footer', after, expected, found);
      }
    }
    this.#add({
      ...{ id: header.id, name: header.name, instance: header.instance, version: header.version, type, offset },
      ...{ length: this.#feed.position - offset, bodyOffset, bodyLength: after - bodyOffset },
      ...{ xxh64, inferred: false, alternatives: [] },
    });
  }

  *#devices(read: Uint8Array): Parsing<QevmState> {
    const offset = this.#feed.position - read.length;
    const isEnd = read.length === 0 && (yield* this.#feed.peek()) === END_OF_STATE;
    const front = isEnd ? yield* this.#endOfState() : read;
    const bytes = yield* this.#feed.rest(front, this.#maxDeviceBytes, 'the states of the devices');
    const part = splitDeviceSections(bytes, offset, this.#footers, this.#location);
    for (const section of part.sections) this.#add(section);
    const isStream = this.#configuration !== undefined || this.#ram !== undefined;
    return {
      kind: isStream ? 'migration-stream' : 'device-state',
      machineType: this.#configuration?.machineType ?? '',
      configuration: this.#configuration,
      bytes: this.#feed.position,
      split: part.split,
      footers: part.footers,
      sections: this.#sections,
      ram: this.#ram?.walk.ram,
      description: part.description,
      descriptionBytes: part.descriptionBytes,
      bodyOf: ({ bodyOffset, bodyLength }) => {
        return bodyOffset < offset ? undefined : bytes.subarray(bodyOffset - offset, bodyOffset - offset + bodyLength);
      },
    };
  }

  /** There are no devices: nothing but a description may follow. */
  *#endOfState(): Parsing<Uint8Array> {
    const mark = (yield* this.#feed.take(1, 'the end mark')).slice();
    const next = yield* this.#feed.peek();
    if (next === undefined || next === DESCRIPTION) return mark;
    const expected = 'the end of the state';
    throw this.#corrupt('something follows the end of the state', this.#feed.position, expected, hexByte(next));
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
