/**
 * The configuration (`vmstate_configuration` in QEMU's migration/savevm.c): properties that must be equal on both
 * sides.
 *
 *     0x07
 *     u32 n, n bytes: machine type
 *     0x05 "configuration/target-page-bits" u32 version: u32 bits          |
 *     0x05 "configuration/capabilities" u32 version: u32 count, names      |  each only if it is needed
 *     0x05 "configuration/uuid" u32 version: 16 bytes                      |
 *
 * A name is a byte with its length, and then that many characters.
 */
import { printable } from '../../base/errors/index.js';
import type { ByteFeed, Parsing } from './byte-feed.js';
import { QEVM_LIMITS } from './limits.js';
import { type Location, parseError } from './parse-error.js';
import { LONGEST_MACHINE_TYPE } from './recognise.js';
import { SUBSECTION } from './section-header.js';
import type { Configuration } from './state.js';

/** The configuration of a state, with the size of a page. */
export interface ReadConfiguration extends Configuration {
  /** Binary logarithm of the page size in bytes; undefined if the configuration does not contain it. */
  readonly targetPageBits: number | undefined;
}

/**
 * Parses the configuration after its 0x07.
 *
 * @throws StubferryError CORRUPT, LIMIT_EXCEEDED: when a value is invalid or too large; UNKNOWN_RECORD: when it has an
 * unknown subsection; TRUNCATED
 */
export function* readConfiguration(feed: ByteFeed, location: Location): Parsing<ReadConfiguration> {
  const offset = feed.position;
  const length = yield* feed.u32('the length of the machine type');
  if (length > LONGEST_MACHINE_TYPE) {
    const [expected, found] = [`at most ${LONGEST_MACHINE_TYPE} bytes`, `${length}`];
    throw parseError('CORRUPT', 'the machine type in the configuration is too long', location, offset, expected, found);
  }
  const machineType = printable(Buffer.from(yield* feed.take(length, 'the machine type')).toString('latin1'));
  let targetPageBits: number | undefined;
  let capabilities: readonly string[] = [];
  while ((yield* feed.peek()) === SUBSECTION) {
    const at = feed.position;
    yield* feed.skip(1, 'a subsection');
    const name = yield* feed.text('the name of a subsection of the configuration');
    yield* feed.u32('the version of a subsection of the configuration');
    if (name === 'configuration/target-page-bits') targetPageBits = yield* readPageBits(feed, location);
    else if (name === 'configuration/capabilities') capabilities = yield* readCapabilities(feed, location);
    else if (name === 'configuration/uuid') yield* feed.skip(16, 'the UUID of the machine');
    else {
      const expected = 'configuration/target-page-bits, configuration/capabilities or configuration/uuid';
      const found = JSON.stringify(printable(name));
      throw parseError('UNKNOWN_RECORD', 'the configuration has an unknown subsection', location, at, expected, found);
    }
  }
  return { machineType, targetPageBits, capabilities };
}

function* readPageBits(feed: ByteFeed, location: Location): Parsing<number> {
  const offset = feed.position;
  const bits = yield* feed.u32('the bits of a page');
  if (bits >= 10 && bits <= 16) return bits;
  throw parseError('CORRUPT', 'the size of a RAM page is invalid', location, offset, '10 to 16 bits', `${bits}`);
}

function* readCapabilities(feed: ByteFeed, location: Location): Parsing<readonly string[]> {
  const offset = feed.position;
  const count = yield* feed.u32('the number of capabilities');
  if (count > QEVM_LIMITS.capabilities) {
    const expected = `at most ${QEVM_LIMITS.capabilities}`;
    throw parseError(
      'LIMIT_EXCEEDED',
      'too many capabilities in the configuration',
      location,
      offset,
      expected,
      `${count}`,
    );
  }
  const names: string[] = [];
  while (names.length < count) names.push(yield* feed.text('the name of a capability'));
  return names;
}
