/**
 * A transfer that has begun before there is a state for it: both agents are on the disk and know of each other.
 *
 *     begin --> on the disk, heartbeats --use--> the state is asked for and sent
 *                  |    '--dom0 gives up, the disk fails--> failed: `use` rejects with the reason
 *                  '--end--> dom0 is told that nobody sends
 *
 * Taking a role costs a read and a write of the disk, and its first look at the other agent another read: under emulation 0.1 s, for which
 * the guest of a save would stand still.
 */
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Superblock } from '../codec/superblock.js';
import { StubferryError } from '../errors/index.js';
import type { StateToSend, TransferSummary } from '../transfer/index.js';
import type { AgentContext } from './agent-context.js';
import { runTransfer } from './run-transfer.js';

/** What it is used for. */
export interface Sending {
  /** Called when dom0's agent is on the disk. */
  readonly open: () => Promise<StateToSend>;
  /** Told of COMMITTED at once, before the disk is let go of. */
  readonly onSafe: () => void;
}

export class BegunTransfer {
  readonly #cancel = new AbortController();
  readonly #whole: Promise<TransferSummary>;
  #begin: (sending: Sending) => void = () => undefined;
  #onSafe: () => void = () => undefined;
  #error: StubferryError | undefined;

  constructor(device: BlockDevice, superblock: Superblock, context: AgentContext) {
    const sending = new Promise<Sending>((resolve) => {
      this.#begin = resolve;
    });
    const open = async (): Promise<StateToSend> => (await sending).open();
    const task = { role: 'sender', open, onSafe: () => this.#onSafe() } as const;
    const signal = AbortSignal.any([context.signal, this.#cancel.signal]);
    this.#whole = runTransfer(device, superblock, task, { ...context, signal });
    this.#whole.catch((cause: unknown) => {
      this.#error = StubferryError.from(cause);
    });
  }

  /** Why it has failed, if it has. */
  get error(): StubferryError | undefined {
    return this.#error;
  }

  /** Once. @param signal cancels it. @throws StubferryError whatever the source, the disk or dom0 does, or has done before */
  async use(sending: Sending, signal: AbortSignal): Promise<TransferSummary> {
    const onAbort = (): void => this.#cancel.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#onSafe = sending.onSafe;
    this.#begin(sending);
    try {
      return await this.#whole;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves when nothing of it touches the disk any more; one that was not used tells dom0 so. */
  async end(): Promise<void> {
    this.#cancel.abort(new StubferryError('CANCELLED', 'no state is saved over this disk'));
    await this.#whole.catch(() => undefined);
  }
}
