/** xenstored and its clients for the tests of one `describe`. Each test starts with an empty store. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type ConnectOptions, XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { startXenstored, type Xenstored } from './xenstored.js';

export interface XenstoreStage {
  readonly xenstored: Xenstored;
  /** Domain ids that may own nodes: xenstored asks the hypervisor whether such a domain exists. */
  readonly peers: readonly [number, number, number];
  /** Connects a client in dom0 for this test. */
  dom0(options?: ConnectOptions): Promise<XenstoreClient>;
  /** Introduces a domain and connects a client in it. The domain is released after the test. */
  domain(domid: number, options?: ConnectOptions): Promise<XenstoreClient>;
}

/** The nodes of tests, which are removed after each test. */
const ROOTS = ['/test', '/local', '/libxl', '/vm'];

/** Call it in a `describe`. */
export function xenstoreStage(): XenstoreStage {
  let xenstored: Xenstored | undefined;
  const clients: XenstoreClient[] = [];
  const domains = new Set<number>();
  const running = (): Xenstored => {
    if (xenstored === undefined) throw new Error('xenstored was not started');
    return xenstored;
  };
  const connect = async (options: ConnectOptions): Promise<XenstoreClient> => {
    const client = await XenstoreClient.connect(options);
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    xenstored = await startXenstored();
  });
  afterEach(async () => {
    running().thaw();
    if (!running().isRunning) await running().restart();
    for (const client of clients.splice(0)) await client.close();
    for (const domid of domains) await running().release(domid);
    domains.clear();
    const cleaner = await XenstoreClient.connect({ path: running().socket });
    for (const root of ROOTS) await cleaner.remove(root);
    await cleaner.close();
  });
  afterAll(() => xenstored?.stop());

  return {
    peers: [7, 9, 4],
    get xenstored() {
      return running();
    },
    dom0: (options = {}) => connect({ path: running().socket, ...options }),
    domain: async (domid, options = {}) => {
      const path = await running().introduce(domid);
      domains.add(domid);
      return connect({ path, ...options });
    },
  };
}
