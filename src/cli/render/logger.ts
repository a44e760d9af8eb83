/** The logger. It writes to standard error: text when that is a terminal, else one JSON document on each line. */
import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../../base/log.js';

const STDERR = 2;

/** The values of `--log-level`. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** How many bytes of lines are buffered while they cannot be written; later lines are dropped. */
const MOST_WAITING_BYTES = 1 << 20;

/**
 * Creates the logger of this process.
 *
 * @param level one of {@link LOG_LEVELS}
 * @param name the process name in each line
 */
export function createLogger(level: string, name: string): Log {
  const stream = process.stderr.isTTY ? pretty({ destination: STDERR, sync: true, ignore: 'pid,hostname' }) : lines();
  return pino({ level, name }, stream);
}

/**
 * A line that cannot be written is buffered and written with the next one. Without the error handler, a log on a full
 * disk would end the process with an unhandled error. On real Xen that made systemd restart the service again and
 * again, and no save got a reply.
 */
function lines(): ReturnType<typeof pino.destination> {
  const stream = pino.destination({ dest: STDERR, sync: true, maxLength: MOST_WAITING_BYTES });
  stream.on('error', () => undefined);
  return stream;
}
