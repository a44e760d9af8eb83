/**
 * The source of a saved state in the stubdom: a path, or QEMU itself.
 *
 *     prepare --> (disk attached, dom0 agent ready) --open--> QEMU writes --close--> QEMU released, guest resumes
 *
 * The guest is stopped from `open` on. `prepare` therefore does everything that can be done or checked before.
 */

import { StubferryError } from '../../base/errors/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { openSource } from '../../io/index.js';
import {
  assertHasGuest,
  assertNoMigrationBlockers,
  type Capture,
  DeviceStateCapture,
  prepareMigration,
} from '../../qemu/index.js';
import { cont, type Monitor, machineType, QmpClient, stop } from '../../qemu/qmp/index.js';
import type { StateToSend } from '../../transfer/index.js';
import type { AgentContext } from '../agent-context.js';
import { type Provenance, type SendableOptions, stateToSend } from '../state-to-send.js';

/** The source of a save, as named by a job. */
export type SaveFrom =
  | {
      /** A file, a FIFO, or `-` for standard input. */
      readonly path: string;
    }
  | {
      /** The socket of QEMU's monitor. */
      readonly qmp: string;
      /** Whether to save the whole machine with its RAM instead of the state of its devices. */
      readonly migrate: boolean;
      /** Whether the guest resumes after a successful save. It always resumes after a failed save. */
      readonly checkpoint: boolean;
      /** The parent directory of the directory for the FIFO or socket. */
      readonly fifoDir: string;
    };

/** A prepared source of a save. */
export interface SaveSource {
  /** Starts the save. Resolves when the first bytes of the state have arrived and its format is known. */
  open(): Promise<StateToSend>;
  /**
   * Releases the source. When the guest ran before the save, it resumes after a failed save and after a checkpoint.
   * @param safe whether the receiver has acknowledged the state
   */
  close(safe: boolean): Promise<void>;
}

/**
 * Opens the path, or connects to QEMU and checks that it can be saved.
 * @throws StubferryError INPUT_UNREADABLE: when the path cannot be opened; QMP_UNREACHABLE: when QEMU's monitor cannot
 * be reached; QEMU_UNSUITED, ...: when QEMU cannot be saved
 */
export function prepareSaveSource(
  from: SaveFrom,
  options: SendableOptions,
  context: AgentContext,
): Promise<SaveSource> {
  return 'path' in from ? pathSaveSource(from.path, options) : QemuSaveSource.prepare(from, options, context);
}

async function pathSaveSource(path: string, options: SendableOptions): Promise<SaveSource> {
  const source = await openSource(path);
  const where = path === '-' ? 'standard input' : path;
  return { open: () => stateToSend(source, where, options), close: () => source.close() };
}

class QemuSaveSource implements SaveSource {
  readonly #from: Extract<SaveFrom, { qmp: string }>;
  readonly #options: SendableOptions;
  readonly #context: AgentContext;
  readonly #monitor: QmpClient;
  readonly #capture: Capture;
  /** Whether the guest ran before the save. Only then it resumes after the save. */
  #ran = false;
  #begun: Promise<StateSource> | undefined;
  #closing = false;

  private constructor(
    from: Extract<SaveFrom, { qmp: string }>,
    options: SendableOptions,
    context: AgentContext,
    monitor: QmpClient,
    capture: Capture,
  ) {
    this.#from = from;
    this.#options = options;
    this.#context = context;
    this.#monitor = monitor;
    this.#capture = capture;
  }

  static async prepare(
    from: Extract<SaveFrom, { qmp: string }>,
    options: SendableOptions,
    context: AgentContext,
  ): Promise<QemuSaveSource> {
    const monitor = await QmpClient.connect(from.qmp, { waitMs: 0, signal: context.signal });
    let capture: Capture | undefined;
    try {
      await assertHasGuest(monitor);
      await assertNoMigrationBlockers(monitor);
      capture = await prepareCapture(monitor, from, context.timeouts.progressMs);
      const provenance = await provenanceOf(monitor, options.provenance);
      return new QemuSaveSource(from, { ...options, provenance }, context, monitor, capture);
    } catch (error) {
      await capture?.close();
      monitor.close();
      throw error;
    }
  }

  async open(): Promise<StateToSend> {
    this.#begun = this.#begin();
    return stateToSend(await this.#begun, this.#from.qmp, this.#options);
  }

  async #begin(): Promise<StateSource> {
    const { running } = await assertHasGuest(this.#monitor);
    this.#assertOpen();
    this.#ran = running;
    // The event precedes the command: when this agent is killed, the process that started it resumes the guest.
    // A migration stops the guest itself, after it has sent nearly all of the RAM.
    if (running) this.#context.onEvent({ event: 'guest', status: 'stopped' });
    if (running && !this.#from.migrate) await stop(this.#monitor);
    this.#assertOpen();
    return this.#capture.begin();
  }

  /** The transfer may have failed while QEMU was replying. */
  #assertOpen(): void {
    if (this.#closing) throw new StubferryError('CANCELLED', 'the transfer ended before the save was started');
  }

  async close(safe: boolean): Promise<void> {
    this.#closing = true;
    try {
      await this.#begun?.catch(() => undefined);
      await this.#capture.close();
    } finally {
      if (this.#ran && (!safe || this.#from.checkpoint)) await this.#resume();
      this.#monitor.close();
    }
  }

  async #resume(): Promise<void> {
    try {
      await cont(this.#monitor);
      this.#context.onEvent({ event: 'guest', status: 'running' });
    } catch (error) {
      this.#context.log.error({ qmp: this.#from.qmp, error: `${error}` }, 'the guest could not be resumed');
    }
  }
}

async function prepareCapture(
  monitor: Monitor,
  { migrate, fifoDir: parent }: Extract<SaveFrom, { qmp: string }>,
  stallMs: number,
): Promise<Capture> {
  if (migrate) return prepareMigration(monitor, { parent, stallMs });
  const capture = await DeviceStateCapture.prepare({ parent, stallMs });
  // Without this argument QEMU also deactivates its images, so that another host can open them. Measured with QEMU 7.2:
  // when a guest was saved that way and is saved again without `cont` in between, QEMU aborts with a failed assertion.
  const args = { live: false };
  return { begin: (): Promise<StateSource> => capture.begin(monitor, args), close: () => capture.close() };
}

/** Completes the provenance with the version and machine type that QEMU reports, where the user named none. */
export async function provenanceOf(monitor: Monitor, given: Provenance): Promise<Provenance> {
  return {
    ...given,
    qemuVersion: given.qemuVersion === '' ? monitor.qemuVersion : given.qemuVersion,
    machineType: given.machineType === '' ? await machineType(monitor) : given.machineType,
  };
}
