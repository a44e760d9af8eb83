/**
 * The restore that a stubdom begins its life with: its QEMU waits for a state, and the guest stands still until it has it.
 *
 *     begin --> the disk is asked for, QEMU is waited for --> transfer --> loaded
 *         '--> meanwhile the agent makes its proxy
 *
 * Dom0 takes longest to answer, so the question goes first: nothing that the agent makes for later saves is in its way.
 */
import type { AgentContext } from '../agent-context.js';
import type { OnEvent } from '../agent-events.js';
import { transferReport } from '../transfer-report.js';
import { runStubdomTransfer, type StubdomJob } from './stubdom-agent.js';

export class FirstRestore {
  readonly #stop = new AbortController();
  readonly #loaded: Promise<void>;
  #transferUuid: string | undefined;

  /** Begins it. */
  constructor(job: StubdomJob, context: AgentContext) {
    this.#loaded = this.#run(job, context);
    // Whoever waits for it hears why it failed.
    this.#loaded.catch(() => undefined);
  }

  /** Of the disk that it was given, once it is on it. */
  get transferUuid(): string | undefined {
    return this.#transferUuid;
  }

  /** Resolves when QEMU has loaded the state. @throws StubferryError why it has not */
  get loaded(): Promise<void> {
    return this.#loaded;
  }

  /** Ends it with that reason, if it has not ended. */
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
