/**
 * Commands, which the two sides of a live migration exchange (`qemu_savevm_command_send` in QEMU's migration/savevm.c):
 *
 *     0x08  u16 number  u16 n  n bytes
 */
import type { ByteFeed, Parsing } from './byte-feed.js';
import { type Location, parseError } from './parse-error.js';

/**
 * The commands that have no effect on a stored stream. Other commands change the format of what follows: postcopy,
 * COLO, a stream in the stream.
 */
const WITHOUT_EFFECT = new Map([
  [1, 'OPEN_RETURN_PATH'],
  [2, 'PING'],
  [3, 'POSTCOPY_ADVISE'],
  [11, 'SWITCHOVER_START'],
]);

/** Skips a command. @throws StubferryError UNKNOWN_RECORD: when the command changes the format; TRUNCATED */
export function* readCommand(feed: ByteFeed, location: Location): Parsing<undefined> {
  const at = feed.position;
  yield* feed.skip(1, 'a command');
  const number = yield* feed.u16('the number of a command');
  const length = yield* feed.u16('the length of a command');
  if (!WITHOUT_EFFECT.has(number)) {
    const expected = [...WITHOUT_EFFECT.values()].join(', ');
    throw parseError(
      'UNKNOWN_RECORD',
      'unsupported command of a live migration',
      location,
      at,
      expected,
      `command ${number}`,
    );
  }
  yield* feed.skip(length, 'the data of a command');
}
