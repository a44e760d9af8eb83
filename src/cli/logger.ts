/** Logs, on standard error: for people when that is a terminal, else one JSON document on a line. */
import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../agents/index.js';

const STDERR = 2;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** @param level from {@link LOG_LEVELS}. @param name the process, in each line */
export function createLogger(level: string, name: string): Log {
  const stream = process.stderr.isTTY
    ? pretty({ destination: STDERR, sync: true, ignore: 'pid,hostname' })
    : pino.destination({ dest: STDERR, sync: true });
  return pino({ level, name }, stream);
}
