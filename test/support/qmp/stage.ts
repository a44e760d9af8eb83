/** The participants of a test: a scripted QEMU, the proxy, toolstacks. They are closed after the test. */
import { StubferryError } from '../../../src/base/errors/index.js';
import { type ListMedia, type OnSave, QmpProxy } from '../../../src/qemu/proxy/index.js';
import { QmpClient, type QmpOptions } from '../../../src/qemu/qmp/index.js';
import { scratchFolder } from '../io/scratch-folder.js';
import { afterTest } from './after-test.js';
import { RawClient } from './raw-client.js';
import { type Script, ScriptedQemu, type ScriptedQemuOptions } from './scripted-qemu.js';

/** A signal that is never aborted. */
export const NEVER = new AbortController().signal;

export interface Stage {
  /** A path in the directory of the current test. */
  scratch(name: string): string;
  /** Starts a QEMU at `qmp.sock` in that directory. */
  qemu(script?: Script, options?: ScriptedQemuOptions): Promise<ScriptedQemu>;
  /** Starts a proxy at `qmp-proxy.sock`. */
  proxy(onSave?: OnSave, options?: { readonly waitMs?: number; readonly listMedia?: ListMedia }): Promise<QmpProxy>;
  /** The client events of the proxies of this test. */
  readonly news: string[];
  /** A connection to the proxy. */
  toolstack(): Promise<RawClient>;
  /** A connection to QEMU. */
  client(options?: Partial<Omit<QmpOptions, 'signal'>>): Promise<QmpClient>;
}

const noSave: OnSave = () => Promise.reject(new Error('unexpected save'));

/** Call this in a `describe`. */
export function stage(): Stage {
  const scratch = scratchFolder();
  const atEnd = afterTest();
  const news: string[] = [];
  return {
    scratch,
    qemu: async (script, options) => {
      const qemu = await ScriptedQemu.listen(scratch('qmp.sock'), script, options);
      atEnd(() => qemu.close());
      return qemu;
    },
    news,
    proxy: async (onSave = noSave, { waitMs = 0, ...options } = {}) => {
      news.splice(0);
      const proxy = await QmpProxy.listen({
        listen: scratch('qmp-proxy.sock'),
        qemu: scratch('qmp.sock'),
        onSave,
        onNews: (event) => void news.push(event),
        waitMs,
        ...options,
      });
      atEnd(() => proxy.close(new StubferryError('CANCELLED', 'the test is over')));
      return proxy;
    },
    toolstack: async () => {
      const client = await RawClient.connect(scratch('qmp-proxy.sock'));
      atEnd(() => client.leave());
      return client;
    },
    client: async ({ waitMs = 0, ...options } = {}) => {
      const client = await QmpClient.connect(scratch('qmp.sock'), { waitMs, signal: NEVER, ...options });
      atEnd(() => client.close());
      return client;
    },
  };
}
