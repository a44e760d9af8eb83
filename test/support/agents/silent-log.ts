import type { Log } from '../../../src/base/log.js';

const silent = (): void => undefined;

/** For tests that do not ask what is logged. */
export const SILENT_LOG: Log = { debug: silent, info: silent, warn: silent, error: silent };
