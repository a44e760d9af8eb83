import type { Log } from '../../../src/base/log.js';

const silent = (): void => undefined;

/** A log that discards all messages. */
export const SILENT_LOG: Log = { debug: silent, info: silent, warn: silent, error: silent };
