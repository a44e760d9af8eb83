/** The actors of a test at a monitor: a QEMU by script, the gate, toolstacks. They leave with the test. */
import { StubferryError } from '../../../src/base/errors/index.js';
import { type ListMedia, type OnSave, QmpGate } from '../../../src/qemu/proxy/index.js';
import { QmpClient, type QmpOptions } from '../../../src/qemu/qmp/index.js';
import { scratchFolder } from '../io/scratch-folder.js';
import { afterTest } from './after-test.js';
import { RawClient } from './raw-client.js';
import { type Script, ScriptedQemu, type ScriptedQemuOptions } from './scripted-qemu.js';

/** A signal that nobody aborts. */
export const NEVER = new AbortController().signal;

export type Patience = { readonly patienceMs?: number };

export interface Stage {
  /** A path in the folder of the running test. */
  scratch(name: string): string;
  /** At `qmp.sock` in that folder. */
  qemu(script?: Script, options?: ScriptedQemuOptions): Promise<ScriptedQemu>;
  /** At `gate.sock`. */
  gate(onSave?: OnSave, options?: Patience & { readonly listMedia?: ListMedia }): Promise<QmpGate>;
  /** What the gates of this test told of who came and went. */
  readonly news: string[];
  /** A connection to the gate. */
  toolstack(): Promise<RawClient>;
  /** A connection to QEMU. */
  client(options?: Partial<Omit<QmpOptions, 'signal'>>): Promise<QmpClient>;
}

const noSave: OnSave = () => Promise.reject(new Error('nobody should save here'));

/** To be called in a `describe`. */
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
    gate: async (onSave = noSave, { patienceMs = 0, ...options } = {}) => {
      news.splice(0);
      const gate = await QmpGate.listen({
        listen: scratch('gate.sock'),
        qemu: scratch('qmp.sock'),
        onSave,
        onNews: (told) => void news.push(told),
        patienceMs,
        ...options,
      });
      atEnd(() => gate.close(new StubferryError('CANCELLED', 'the test is over')));
      return gate;
    },
    toolstack: async () => {
      const client = await RawClient.connect(scratch('gate.sock'));
      atEnd(() => client.leave());
      return client;
    },
    client: async ({ patienceMs = 0, ...options } = {}) => {
      const client = await QmpClient.connect(scratch('qmp.sock'), { patienceMs, signal: NEVER, ...options });
      atEnd(() => client.close());
      return client;
    },
  };
}
