/**
 * Replaces test/support/xenstore/stage.ts when suites run in dom0. It uses the xenstored of this dom0, and existing
 * domains, whose ids are the arguments of the program. After each test it removes /test.
 */
import { type ConnectOptions, XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { afterEach } from './jest-globals.js';

export const XENSTORED = [];

interface Stage {
  readonly peers: readonly number[];
  dom0(options?: ConnectOptions): Promise<XenstoreClient>;
}

export function xenstoreStage(): Stage {
  const clients: XenstoreClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    const cleaner = await XenstoreClient.connect();
    await cleaner.remove('/test');
    await cleaner.close();
  });
  return {
    peers: process.argv.slice(2).map(Number),
    dom0: async (options = {}) => {
      const client = await XenstoreClient.connect(options);
      clients.push(client);
      return client;
    },
  };
}
