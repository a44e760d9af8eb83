/**
 * The restore with which a stubdom starts when its QEMU waits for a state. The guest is stopped until QEMU has loaded
 * it.
 *
 *     start --> request the disk, wait for QEMU --> transfer --> loaded
 *         '--> the agent makes its proxy in the meantime
 *
 * The reply of dom0 takes the longest time, so the agent sends the request before it makes anything for later saves.
 */
import type { AgentContext } from '../agent-context.js';
import type { OnEvent } from '../agent-events.js';
import { transferReport } from '../transfer-report.js';
import { runStubdomTransfer, type StubdomJob } from './stubdom-agent.js';

/** A restore that runs while the agent makes its proxy. */
export class FirstRestore {
  readonly #stop = new AbortController();
  readonly #loaded: Promise<void>;
  #transferUuid: string | undefined;

  /** Starts the restore. */
  constructor(job: StubdomJob, context: AgentContext) {
    this.#loaded = this.#run(job, context);
    // `loaded` reports the error.
    this.#loaded.catch(() => undefined);
  }

  /** The UUID of the transfer, or undefined before the disk is open. */
  get transferUuid(): string | undefined {
    return this.#transferUuid;
  }

  /** Resolves when QEMU has loaded the state. @throws StubferryError: the reason for which the restore failed */
  get loaded(): Promise<void> {
    return this.#loaded;
  }

  /** Aborts the restore with `reason` if it still runs, and waits for its end. */
  async close(reason: unknown): Promise<void> {
    this.#stop.abort(reason);
    await this.#loaded.catch(() => undefined);
  }

  async #run(job: StubdomJob, context: AgentContext): Promise<void> {
    const onEvent: OnEvent = (event) => {
      if (event.event === 'ready') this.#transferUuid = event.transfer;
      context.onEvent(event);
    };
    const signal = AbortSignal.any([context.signal, this.#stop.signal]);
    const report = transferReport(await runStubdomTransfer(job, { ...context, onEvent, signal }));
    onEvent({ event: 'done', report });
  }
}
