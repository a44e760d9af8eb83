/**
 * What the gate does for a save of the toolstack: from the command to COMMITTED, one after the other.
 *
 *     command --> QEMU can be saved? ------------------------------.
 *            '--> the disk that is held, else dom0 is asked for one --> dom0's agent is on it --> QEMU writes --> COMMITTED
 *
 * QEMU is asked for its state only when the disk is there with dom0's agent on it: until then nothing has happened, and a save
 * that fails early costs nothing.
 */
import { StubferryError } from '../errors/index.js';
import { DeviceStateCapture } from '../qemu/index.js';
import type { Monitor, SaveRequest } from '../qmp/index.js';
import type { StateSource, StateToSend, TransferSummary } from '../transfer/index.js';
import type { AgentContext } from './agent-context.js';
import type { OnEvent } from './agent-events.js';
import type { Sending } from './begun-transfer.js';
import type { Expectation } from './find-disk.js';
import { OfferedDisk } from './offered-disk.js';
import { runTransfer } from './run-transfer.js';
import { ForeseenFacts, type SaveFacts } from './save-facts.js';
import { type Provenance, stateToSend } from './state-to-send.js';
import { runStubdomTransfer, type StubdomJob } from './stubdom-agent.js';
import { type DiskPlace, withTransferDisk } from './transfer-disk.js';
import { transferReport } from './transfer-report.js';

export interface SavesJob {
  /** Socket of QEMU's monitor. */
  readonly qmp: string;
  /** Where the transfer disks come from: one after the other. */
  readonly disk: DiskPlace;
  readonly provenance: Provenance;
  readonly sha256: boolean;
  /** Where a folder for FIFOs is made. */
  readonly fifoDir: string;
}

/** After QEMU has refused: for a disk that is there to be found, so that dom0's agent hears of it, milliseconds. */
const REFUSAL_MS = 200;

/** The saves that toolstacks ask for; the gate lets one at a time. */
export class GateSaves {
  readonly #job: SavesJob;
  readonly #context: AgentContext;
  readonly #capture: DeviceStateCapture;
  /** Where dom0 can be asked, it may also offer. */
  readonly #offers: OfferedDisk | undefined;
  readonly #facts: ForeseenFacts;
  /** The transfer that was begun last: its disk is not taken again. */
  #lastTransfer: string | undefined;
  #last: Promise<void> = Promise.resolve();
  #wear: (error: StubferryError) => void = () => undefined;
  /** Rejects when this process cannot be used any more: each request to a disk that hangs holds an I/O thread for ever. */
  readonly worn = new Promise<never>((_, reject) => {
    this.#wear = reject;
  });

  private constructor(
    job: SavesJob,
    context: AgentContext,
    capture: DeviceStateCapture,
    offers: OfferedDisk | undefined,
  ) {
    this.#job = job;
    this.#context = context;
    this.#capture = capture;
    this.#offers = offers;
    this.#facts = new ForeseenFacts(job.provenance);
    this.worn.catch(() => undefined);
  }

  static async prepare(job: SavesJob, context: AgentContext): Promise<GateSaves> {
    const options = { parent: job.fifoDir, stallMs: context.timeouts.progressMs };
    const capture = await DeviceStateCapture.prepare(options);
    const expectation = expectationOf(job);
    const offers = typeof job.disk === 'string' ? undefined : await OfferedDisk.watch(job.disk, expectation, context);
    return new GateSaves(job, context, capture, offers);
  }

  /** The restore that comes before any save. */
  async after(restore: StubdomJob): Promise<void> {
    const onEvent: OnEvent = (event) => {
      if (event.event === 'ready') this.#lastTransfer = event.transfer;
      this.#context.onEvent(event);
    };
    const report = transferReport(await runStubdomTransfer(restore, { ...this.#context, onEvent }));
    onEvent({ event: 'done', report });
  }

  /** The guest is being stopped: what a save has to know of QEMU is asked while the toolstack hears of that. */
  foresee(monitor: Monitor): void {
    this.#facts.foresee(monitor);
  }

  /** One save, from the command to COMMITTED. When it rejects, QEMU has come to its end and can be asked again. */
  async run(request: SaveRequest): Promise<void> {
    // The toolstack's reply does not wait until the disk is let go of, but the next save does.
    await this.#last;
    let isSafe: () => void = () => undefined;
    const safe = new Promise<void>((resolve) => {
      isSafe = resolve;
    });
    const whole = this.#save(request, isSafe);
    this.#last = whole.catch(() => undefined);
    await Promise.race([safe, whole]);
  }

  async #save(request: SaveRequest, isSafe: () => void): Promise<void> {
    const { onEvent, log } = this.#context;
    const refusal = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, request.signal, refusal.signal]);
    let begun: Promise<StateSource> | undefined;
    const begin = (): Promise<StateSource> => {
      signal.throwIfAborted();
      begun = this.#capture.begin(request.monitor, request.args);
      return begun;
    };
    let safe = false;
    const onSafe = (): void => {
      safe = true;
      isSafe();
    };
    try {
      // QEMU answers while the disk is looked for; when it cannot be saved, no disk is waited for.
      const facts = this.#facts.of(request);
      facts.savable.catch((error: unknown) => setTimeout(() => refusal.abort(error), REFUSAL_MS).unref());
      const sending = { open: this.#opener(facts, begin), onSafe };
      const summary = await this.#overDisk(sending, { ...this.#context, signal });
      onEvent({ event: 'done', report: transferReport(summary) });
    } catch (cause) {
      const error = StubferryError.from(cause);
      if (error.code === 'DISK_HUNG') this.#wear(error);
      if (safe) {
        log.warn({ error: error.report() }, 'the state is committed, but the transfer disk was not let go of in order');
        return;
      }
      log.warn({ error: error.report() }, 'a save of the toolstack failed');
      onEvent({ event: 'failed', error: error.report() });
      throw error;
    } finally {
      await begun?.catch(() => undefined);
      await this.#capture.finish();
    }
  }

  /** What is done when dom0's agent is on the disk: QEMU is asked. */
  #opener({ savable, provenance }: SaveFacts, begin: () => Promise<StateSource>): () => Promise<StateToSend> {
    const { sha256, qmp } = this.#job;
    return async () => {
      await savable;
      return stateToSend(await begin(), qmp, { opaque: false, unpack: false, sha256, provenance: await provenance });
    };
  }

  async #overDisk(sending: Sending, context: AgentContext): Promise<TransferSummary> {
    try {
      const held = await this.#offers?.take();
      if (held === undefined) {
        const expectation = { ...expectationOf(this.#job), after: this.#lastTransfer };
        return await withTransferDisk(this.#job.disk, expectation, context, (device, superblock) => {
          this.#lastTransfer = superblock.transferUuid;
          return runTransfer(device, superblock, { role: 'sender', ...sending }, context);
        });
      }
      this.#lastTransfer = held.superblock.transferUuid;
      try {
        return await held.transfer.use(sending, context.signal);
      } finally {
        await held.release();
      }
    } finally {
      this.#offers?.resume(this.#lastTransfer);
    }
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#offers?.close();
    await this.#capture.close();
  }
}

function expectationOf({ provenance }: SavesJob): Expectation {
  return { targetUuid: provenance.targetUuid, transferUuid: undefined, directions: ['save'] };
}
