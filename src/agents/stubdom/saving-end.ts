/**
 * Where the state of a save comes from, in the stubdom: a path that somebody writes, or QEMU itself.
 *
 *     prepare --> (disk, dom0's agent) --open--> QEMU writes ... --close--> QEMU is let go of, the guest goes on
 *
 * The guest stands still from `open` on, so all that can be refused or made before is in `prepare`.
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

/** From where, as a job says it. */
export type SaveFrom =
  | {
      /** File, FIFO or `-`. */
      readonly path: string;
    }
  | {
      /** Socket of QEMU's monitor. */
      readonly qmp: string;
      /** The whole machine with its RAM, instead of the state of its devices. */
      readonly migrate: boolean;
      /** Let the guest go on after a save that went well, too. */
      readonly checkpoint: boolean;
      /** Where a folder for FIFO or socket is made. */
      readonly fifoDir: string;
    };

export interface SavingEnd {
  /** Begins; resolves when the first bytes of the state have said what it is. */
  open(): Promise<StateToSend>;
  /** @param safe whether the state was acknowledged */
  close(safe: boolean): Promise<void>;
}

/** @throws StubferryError INPUT_UNREADABLE, QMP_UNREACHABLE, QEMU_UNSUITED, ... */
export function prepareSaving(from: SaveFrom, options: SendableOptions, context: AgentContext): Promise<SavingEnd> {
  return 'path' in from ? savingFromPath(from.path, options) : SavingFromQemu.prepare(from, options, context);
}

async function savingFromPath(path: string, options: SendableOptions): Promise<SavingEnd> {
  const source = await openSource(path);
  const where = path === '-' ? 'standard input' : path;
  return { open: () => stateToSend(source, where, options), close: () => source.close() };
}

class SavingFromQemu implements SavingEnd {
  readonly #from: Extract<SaveFrom, { qmp: string }>;
  readonly #options: SendableOptions;
  readonly #context: AgentContext;
  readonly #monitor: QmpClient;
  readonly #capture: Capture;
  /** The guest ran when it was last looked at before the save: then it shall run after it. */
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
  ): Promise<SavingFromQemu> {
    const monitor = await QmpClient.connect(from.qmp, { waitMs: 0, signal: context.signal });
    let capture: Capture | undefined;
    try {
      await assertHasGuest(monitor);
      await assertNoMigrationBlockers(monitor);
      capture = await prepareCapture(monitor, from, context.timeouts.progressMs);
      const provenance = await provenanceOf(monitor, options.provenance);
      return new SavingFromQemu(from, { ...options, provenance }, context, monitor, capture);
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
    this.#assertWanted();
    this.#ran = running;
    // A migration stops the guest by itself, when nearly all of its RAM is sent.
    // Told before it is done: whoever started this agent lets the guest go on if the agent does not live to do it.
    if (running) this.#context.onEvent({ event: 'guest', status: 'stopped' });
    if (running && !this.#from.migrate) await stop(this.#monitor);
    this.#assertWanted();
    return this.#capture.begin();
  }

  /** The transfer may have failed while QEMU answered. */
  #assertWanted(): void {
    if (this.#closing) throw new StubferryError('CANCELLED', 'the state is not wanted any more');
  }

  async close(safe: boolean): Promise<void> {
    this.#closing = true;
    try {
      await this.#begun?.catch(() => undefined);
      await this.#capture.close();
      if (this.#ran && (!safe || this.#from.checkpoint)) await this.#goOn();
    } finally {
      this.#monitor.close();
    }
  }

  async #goOn(): Promise<void> {
    try {
      await cont(this.#monitor);
      this.#context.onEvent({ event: 'guest', status: 'running' });
    } catch (error) {
      this.#context.log.error({ qmp: this.#from.qmp, error: `${error}` }, 'the guest could not be let go on');
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
  // By default QEMU gives up its images as well, for another host to open: measured with 7.2, a guest that was saved so and
  // then once more, without `cont` between, ends QEMU by an assertion.
  const args = { live: false };
  return { begin: (): Promise<StateSource> => capture.begin(monitor, args), close: () => capture.close() };
}

/** What QEMU itself says of the state's origin, where the user did not. */
export async function provenanceOf(monitor: Monitor, given: Provenance): Promise<Provenance> {
  return {
    ...given,
    qemuVersion: given.qemuVersion === '' ? monitor.qemuVersion : given.qemuVersion,
    machineType: given.machineType === '' ? await machineType(monitor) : given.machineType,
  };
}
