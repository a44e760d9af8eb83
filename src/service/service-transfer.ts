/**
 * One transfer of the service, from the request until everything of it is removed.
 *
 *     begin:  make the directory and its journal -> open the destination or the state -> make and attach the disk
 *     run:    transfer the state -> detach and remove the disk -> remove the directory
 *
 * `begin` and `run` are separate, because a disk can be attached before the stubdom requests it, outside of the guest's
 * downtime.
 */
import { join } from 'node:path';
import {
  type AgentContext,
  type AgentEvent,
  type Dom0Disk,
  dom0Steps,
  type Prepare,
  superblockFor,
  TransferLifecycle,
  transferReport,
} from '../agents/index.js';
import { StubferryError } from '../base/errors/index.js';
import type { Log } from '../base/log.js';
import { PhaseMachine } from '../base/phase-machine.js';
import type { Clock } from '../base/time/index.js';
import type { Direction } from '../formats/protocol/superblock.js';
import type { Timeouts } from '../transfer/ring/index.js';
import type { Attachment, HotplugDriver } from '../xen/hotplug/index.js';
import type { DeviceModel } from './device-model.js';
import { TransferDirectory } from './transfer-directory.js';
import { SERVICE_TRANSITIONS, type ServicePhase, type TransferView } from './transfer-view.js';

/** The limits of one transfer, in bytes and milliseconds. */
export interface TransferLimits {
  /** The length of the ring. */
  readonly ringLength: number;
  /** The maximum payload of a frame. */
  readonly maxPayload: number;
  /** The maximum length of a state. */
  readonly maxState: number;
  /**
   * The time limit of a whole transfer, from its request. Without it, a stubdom that sends a byte now and then could
   * keep the transfer active without end.
   */
  readonly lifetimeMs: number;
  /** How long a pre-attached disk waits for its request. A live migration sends the RAM in this time. */
  readonly preparedMs: number;
}

/** The settings that all transfers of the service share. */
export interface TransferSetting {
  readonly driver: HotplugDriver;
  readonly transferDir: string;
  /** The directory in which libxl has its files: `/var/lib/xen`. */
  readonly stateDir: string;
  readonly limits: TransferLimits;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each change of a transfer's view. */
  readonly onChange: (transfer: ServiceTransfer) => void;
}

/** One transfer of the service. */
export class ServiceTransfer {
  readonly uuid: string;
  readonly model: DeviceModel;
  readonly direction: Direction;
  readonly #setting: TransferSetting;
  readonly #abort = new AbortController();
  /** The start, on the clock of the setting. */
  readonly #startMs: number;
  #view: TransferView;
  readonly #lifecycle: TransferLifecycle;
  readonly #phases: PhaseMachine<ServicePhase>;
  #directory: TransferDirectory | undefined;
  #device = '';
  /** Whether the stubdom has requested the disk. A pre-attached disk exists before its request. */
  #isRequested: boolean;
  readonly #firstPhase: ServicePhase;
  #preparing: Promise<void> = Promise.resolve();
  #running: Promise<void> | undefined;
  #finishing: Promise<void> | undefined;
  #stopTimer: () => void = () => undefined;

  private constructor(
    uuid: string,
    model: DeviceModel,
    direction: Direction,
    first: ServicePhase,
    setting: TransferSetting,
  ) {
    this.uuid = uuid;
    this.model = model;
    this.direction = direction;
    this.#setting = setting;
    this.#startMs = setting.clock.now();
    this.#firstPhase = first;
    this.#isRequested = first === 'requested';
    this.#phases = new PhaseMachine(`transfer ${uuid}`, first, SERVICE_TRANSITIONS);
    this.#lifecycle = new TransferLifecycle(this.#steps(), setting.log);
    const { target, targetUuid, stubdom } = model;
    const startedAt = new Date().toISOString();
    this.#view = {
      transfer: uuid,
      direction,
      target,
      targetUuid,
      stubdom,
      phase: first,
      bytes: 0,
      startedAt,
      timings: { [first]: 0 },
    };
  }

  /**
   * Makes the disk and attaches it to the stubdom. Removes everything when that fails.
   *
   * @param first `requested` for a disk that the stubdom requested, `prepared` for a pre-attached disk
   * @throws StubferryError the reason why the destination, the state or the disk cannot be used
   */
  static async begin(
    uuid: string,
    model: DeviceModel,
    direction: Direction,
    first: 'requested' | 'prepared',
    setting: TransferSetting,
  ): Promise<ServiceTransfer> {
    const self = new ServiceTransfer(uuid, model, direction, first, setting);
    await self.#start(first);
    return self;
  }

  async #start(first: 'requested' | 'prepared'): Promise<void> {
    const { limits, onChange } = this.#setting;
    this.#setTimeLimit(first === 'prepared' ? limits.preparedMs : limits.lifetimeMs);
    onChange(this);
    try {
      this.#preparing = this.#lifecycle.begin(this.#context());
      await this.#preparing;
      this.#abort.signal.throwIfAborted();
    } catch (cause) {
      const error = StubferryError.from(cause);
      await this.#finish(error);
      throw error;
    }
  }

  /** The present view of the transfer. */
  get view(): TransferView {
    return this.#view;
  }

  /** The present phase. */
  get phase(): ServicePhase {
    return this.#phases.phase;
  }

  /** Whether its disk was pre-attached. */
  get wasPrepared(): boolean {
    return this.#firstPhase === 'prepared';
  }

  /** Whether its disk is pre-attached and still waits for its request. */
  get isPrepared(): boolean {
    return !this.#isRequested && !this.#phases.isIn('failed', 'detached');
  }

  /** Records that the stubdom has requested the disk. From now on the time limit of a whole transfer applies. */
  markRequested(): void {
    if (this.#isRequested || !this.#phases.canEnter('requested')) return;
    this.#isRequested = true;
    this.#enterPhase('requested');
    this.#setTimeLimit(this.#setting.limits.lifetimeMs);
  }

  /** The path at which the disk should appear in the stubdom. */
  get device(): string {
    return this.#device;
  }

  /**
   * The steps of dom0, with a directory for this transfer. If this service is killed, the next one reads the journal in
   * that directory.
   */
  #steps(): Prepare {
    const { transferDir, stateDir, driver, limits } = this.#setting;
    const { target, targetUuid, stubdom } = this.model;
    const provenance = { targetUuid, targetDomid: target, qemuVersion: '', machineType: '' };
    const save = this.direction === 'save';
    // These are libxl's names, with the domid that dom0 determined. No part of them comes from the stubdom.
    const path = join(stateDir, `${save ? 'qemu-save' : 'qemu-resume'}.${target}`);
    const superblock = superblockFor({ ...limits, transferUuid: this.uuid, provenance, direction: this.direction });
    return async (resources, context) => {
      const directory = TransferDirectory.make(transferDir, {
        ...{ version: 1, transfer: this.uuid, direction: this.direction, target, stubdom },
        ...(save ? { destination: path } : {}),
      });
      this.#directory = directory;
      resources.add('the directory of the transfer', () => directory.remove());
      const spool = { spoolDirectory: directory.path, spoolLimit: limits.maxState };
      const work = save
        ? ({ direction: 'save', output: path, raw: true, replace: true, ...spool } as const)
        : ({ direction: 'restore', input: path, opaque: false, sha256: true } as const);
      const disk = { path: directory.image, driver, stubdom, keep: false };
      const onAttached = ({ attachment }: Dom0Disk): void => this.#noteAttached(directory, attachment);
      return dom0Steps({ work, provenance, superblock, disk, onAttached })(resources, context);
    };
  }

  #noteAttached(directory: TransferDirectory, attachment: Attachment): void {
    this.#device = attachment.device;
    directory.note({ attachment });
    this.#enterPhase('attached');
  }

  /** Runs the transfer and then removes everything. Never rejects: the view contains the outcome. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    try {
      const { bytes, sha256 } = transferReport(await this.#lifecycle.run(this.#context()));
      this.#change({ bytes, ...(sha256 === undefined ? {} : { sha256 }) });
      if (this.direction === 'restore') this.#enterPhase('loaded');
      await this.#finish();
    } catch (cause) {
      await this.#finish(StubferryError.from(cause));
    }
  }

  /** Aborts the transfer with `error`, which the stubdom receives. Resolves when everything is removed. */
  async abort(error: StubferryError): Promise<void> {
    this.#abort.abort(error);
    await this.#preparing.catch(() => undefined);
    this.#running ??= this.#finish(error);
    await this.#running;
  }

  #setTimeLimit(ms: number): void {
    const { clock } = this.#setting;
    this.#stopTimer();
    this.#stopTimer = clock.after(ms, () => {
      void this.abort(
        new StubferryError('TRANSFER_EXPIRED', 'the transfer exceeded its time limit', {
          where: `domain ${this.model.stubdom}, device model of ${this.model.target}`,
          expected: `an end within ${ms} ms`,
          found: `${this.#view.phase}, after ${this.#view.bytes} bytes`,
          hint: 'such a slow stubdom is probably broken; the limits are --transfer-timeout and --prepared-timeout',
        }),
      );
    });
  }

  #context(): AgentContext {
    const { log, limits } = this.#setting;
    // The stubdom uses a pre-attached disk only when the guest is paused.
    const timeouts = this.isPrepared
      ? { ...this.#setting.timeouts, absentMs: limits.preparedMs }
      : this.#setting.timeouts;
    return { timeouts, log, signal: this.#abort.signal, onEvent: (event) => this.#onEvent(event) };
  }

  #onEvent(event: AgentEvent): void {
    if (event.event === 'ready') this.#enterPhase('ready');
    if (event.event === 'progress') this.#change({ bytes: event.bytes });
    if (event.event === 'publishing') this.#directory?.note({ published: event.file });
    if (event.event !== 'phase') return;
    if (event.phase === 'receiving') this.markRequested();
    if (event.phase === 'committed') this.#noteAcknowledged();
    if (event.phase !== 'ready' && event.phase !== 'done' && event.phase !== 'aborted') this.#enterPhase(event.phase);
  }

  /**
   * Notes the acknowledgement in the journal. An error changes nothing: the acknowledgement is already on the disk, and
   * the next service finds it there.
   */
  #noteAcknowledged(): void {
    try {
      this.#directory?.note({ acknowledged: true });
    } catch (cause) {
      const error = StubferryError.from(cause).report();
      this.#setting.log.warn({ transfer: this.uuid, error }, 'cannot write the journal of a committed transfer');
    }
  }

  /**
   * Events come from callbacks that must not throw, and work that was abandoned may still report: an impossible phase
   * is logged.
   */
  #enterPhase(phase: ServicePhase): void {
    if (!this.#phases.canEnter(phase)) {
      this.#setting.log.error(
        { transfer: this.uuid, from: this.#phases.phase, to: phase },
        'impossible phase of a transfer',
      );
      return;
    }
    this.#phases.enter(phase);
    const at = Math.round((this.#setting.clock.now() - this.#startMs) * 1000) / 1000;
    this.#change({ phase, timings: { ...this.#view.timings, [phase]: at } });
  }

  #change(change: Partial<TransferView>): void {
    this.#view = { ...this.#view, ...change };
    this.#setting.onChange(this);
  }

  #finish(error?: StubferryError): Promise<void> {
    this.#finishing ??= this.#release(error);
    return this.#finishing;
  }

  async #release(error: StubferryError | undefined): Promise<void> {
    this.#stopTimer();
    if (error !== undefined) {
      this.#change({ error: error.report() });
      this.#enterPhase('failed');
      this.#setting.log.warn({ transfer: this.uuid, ...this.model, error: error.report() }, 'the transfer failed');
    }
    await this.#lifecycle.release();
    this.#enterPhase('detached');
  }
}
