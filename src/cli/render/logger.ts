/** Logs, on standard error: for people when that is a terminal, else one JSON document on a line. */
import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../../base/log.js';

const STDERR = 2;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Of lines that cannot be written; what comes then is lost. */
const MOST_WAITING_BYTES = 1 << 20;

/** @param level from {@link LOG_LEVELS}. @param name the process, in each line */
export function createLogger(level: string, name: string): Log {
  const stream = process.stderr.isTTY ? pretty({ destination: STDERR, sync: true, ignore: 'pid,hostname' }) : lines();
  return pino({ level, name }, stream);
}

/**
 * What cannot be written now is with the next line: a log on a full disk must not end an agent, as an error that nobody hears would (seen on
 * real Xen: dom0's agent was started again and again, and no save was answered).
 */
function lines(): ReturnType<typeof pino.destination> {
  const stream = pino.destination({ dest: STDERR, sync: true, maxLength: MOST_WAITING_BYTES });
  stream.on('error', () => undefined);
  return stream;
}
