/**
 * One transfer of the service, from the request to the last trace of it.
 *
 *     begin:  open the destination or the state -> folder and journal -> make and attach the disk
 *     run:    the transfer itself -> detach and remove the disk -> remove the folder
 *
 * `begin` and `run` are two, because a disk may be prepared before anybody asks for it: outside of the guest's downtime.
 */
import { join } from 'node:path';
import type { AgentEvent, PreparedTask } from '../agents/index.js';
import { Dom0Disk, prepareDom0End, runTransfer, superblockFor, transferReport } from '../agents/index.js';
import { StubferryError } from '../base/errors/index.js';
import type { Log } from '../base/log.js';
import type { Clock } from '../base/time/index.js';
import type { Direction } from '../formats/protocol/superblock.js';
import type { Timeouts } from '../transfer/ring/index.js';
import type { HotplugDriver } from '../xen/hotplug/index.js';
import type { DeviceModel } from './device-model.js';
import { TransferFolder } from './transfer-folder.js';
import type { ServicePhase, TransferView } from './transfer-view.js';

/** What one transfer may take. Bytes and milliseconds. */
export interface TransferLimits {
  readonly ringLength: number;
  readonly maxPayload: number;
  readonly maxState: number;
  /** The whole of a transfer, from its request: a stubdom that sends a byte in a while would else hold it for ever. */
  readonly lifetimeMs: number;
  /** A disk that was prepared, until it is asked for: a live migration sends the RAM meanwhile. */
  readonly preparedMs: number;
}

/** What all transfers of the service share. */
export interface TransferSetting {
  readonly driver: HotplugDriver;
  readonly transferDir: string;
  /** Where libxl has its files: `/var/lib/xen`. */
  readonly stateDir: string;
  readonly limits: TransferLimits;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each change. */
  readonly onChange: (transfer: TransferView) => void;
}

export class ServiceTransfer {
  readonly uuid: string;
  readonly model: DeviceModel;
  readonly direction: Direction;
  readonly #setting: TransferSetting;
  readonly #abort = new AbortController();
  readonly #begun: number;
  #view: TransferView;
  #folder: TransferFolder | undefined;
  #disk: Dom0Disk | undefined;
  #end: PreparedTask | undefined;
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
    this.#begun = setting.clock.now();
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
   * Makes the disk and gives it to the stubdom; nothing is left of it when that fails.
   * @param first why it is made: it was asked for, or it is prepared
   * @throws StubferryError what its destination, its state or its disk is refused with
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
    this.#limit(first === 'prepared' ? limits.preparedMs : limits.lifetimeMs);
    onChange(this.#view);
    try {
      this.#preparing = this.#prepare();
      await this.#preparing;
    } catch (cause) {
      const error = StubferryError.from(cause);
      await this.#finish(error);
      throw error;
    }
  }

  get view(): TransferView {
    return this.#view;
  }

  /** Whether it was made before anybody has asked, and nobody has begun to use it. */
  get isPrepared(): boolean {
    const { prepared, requested, failed } = this.#view.timings;
    return prepared !== undefined && requested === undefined && failed === undefined;
  }

  /** Somebody has asked for it. */
  request(): void {
    if (this.#view.timings.requested !== undefined) return;
    this.#reach('requested');
    this.#limit(this.#setting.limits.lifetimeMs);
  }

  /** Where the stubdom should see the disk. */
  get device(): string {
    return this.#disk?.attachment.device ?? '';
  }

  async #prepare(): Promise<void> {
    const { transferDir, stateDir, driver, limits } = this.#setting;
    const { target, targetUuid, stubdom } = this.model;
    const provenance = { targetUuid, targetDomid: target, qemuVersion: '', machineType: '' };
    const save = this.direction === 'save';
    // The names are libxl's own, with the domid that dom0 has found: nothing of them comes from the stubdom.
    const path = join(stateDir, `${save ? 'qemu-save' : 'qemu-resume'}.${target}`);
    this.#folder = TransferFolder.make(transferDir, {
      ...{ version: 1, transfer: this.uuid, direction: this.direction, target, stubdom },
      ...(save ? { destination: path } : {}),
    });
    const spool = { spoolFolder: this.#folder.path, spoolLimit: limits.maxState };
    const work = save
      ? ({ direction: 'save', output: path, raw: true, replace: true, ...spool } as const)
      : ({ direction: 'restore', input: path, opaque: false, sha256: true } as const);
    this.#end = await prepareDom0End(work, { transferUuid: this.uuid, provenance }, this.#context());
    const superblock = superblockFor({ ...limits, transferUuid: this.uuid, provenance, direction: this.direction });
    const disk = { path: this.#folder.image, superblock, driver, stubdom, keep: false };
    this.#disk = await Dom0Disk.make(disk, this.#context());
    this.#folder.note({ attachment: this.#disk.attachment });
    this.#reach('attached');
    this.#abort.signal.throwIfAborted();
  }

  /** Runs it to its end, and removes all of it. Never rejects: how it ended is in the view. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    try {
      if (this.#disk === undefined || this.#end === undefined)
        throw new StubferryError('INTERNAL', 'a transfer without a disk');
      const { device, superblock } = this.#disk;
      const summary = await runTransfer(device, superblock, this.#end.task, this.#context());
      const { bytes, sha256 } = transferReport(summary);
      this.#change({ bytes, ...(sha256 === undefined ? {} : { sha256 }) });
      if (this.direction === 'restore') this.#reach('loaded');
      await this.#finish();
    } catch (cause) {
      await this.#finish(StubferryError.from(cause));
    }
  }

  /** Ends it with `error`, which the stubdom is told; resolves when nothing is left of it. */
  async abort(error: StubferryError): Promise<void> {
    this.#abort.abort(error);
    await this.#preparing.catch(() => undefined);
    this.#running ??= this.#finish(error);
    await this.#running;
  }

  #limit(ms: number): void {
    const { clock } = this.#setting;
    this.#stopTimer();
    this.#stopTimer = clock.after(ms, () => {
      void this.abort(
        new StubferryError('TRANSFER_EXPIRED', 'the transfer took too long', {
          where: `domain ${this.model.stubdom}, device model of ${this.model.target}`,
          expected: `its end within ${ms} ms`,
          found: `${this.#view.phase}, after ${this.#view.bytes} bytes`,
          hint: 'a stubdom that is that slow is broken; the limits are options of the agent',
        }),
      );
    });
  }

  #context(): Parameters<typeof runTransfer>[3] {
    const { log, limits } = this.#setting;
    // Whoever a disk is prepared for comes when the guest is paused.
    const timeouts = this.isPrepared
      ? { ...this.#setting.timeouts, absentMs: limits.preparedMs }
      : this.#setting.timeouts;
    return { timeouts, log, signal: this.#abort.signal, onEvent: (event) => this.#hear(event) };
  }

  #hear(event: AgentEvent): void {
    if (event.event === 'ready') this.#reach('ready');
    if (event.event === 'progress') this.#change({ bytes: event.bytes });
    if (event.event === 'publishing') this.#folder?.note({ published: event.file });
    if (event.event !== 'phase') return;
    if (event.phase === 'receiving') this.request();
    if (event.phase === 'committed') this.#noteAcknowledged();
    if (event.phase !== 'ready' && event.phase !== 'done' && event.phase !== 'aborted') this.#reach(event.phase);
  }

  /** The word is on the disk already, where the next agent finds it as well: a journal that cannot be written takes nothing back. */
  #noteAcknowledged(): void {
    try {
      this.#folder?.note({ acknowledged: true });
    } catch (cause) {
      const error = StubferryError.from(cause).report();
      this.#setting.log.warn({ transfer: this.uuid, error }, 'the journal of a committed transfer cannot be written');
    }
  }

  #reach(phase: ServicePhase): void {
    const at = Math.round((this.#setting.clock.now() - this.#begun) * 1000) / 1000;
    this.#change({ phase, timings: { ...this.#view.timings, [phase]: at } });
  }

  #change(change: Partial<TransferView>): void {
    this.#view = { ...this.#view, ...change };
    this.#setting.onChange(this.#view);
  }

  #finish(error?: StubferryError): Promise<void> {
    this.#finishing ??= this.#releaseFound(error);
    return this.#finishing;
  }

  /** Of everything, in the order in which the next agent could find what is left. */
  async #releaseFound(error: StubferryError | undefined): Promise<void> {
    const { log } = this.#setting;
    this.#stopTimer();
    if (error !== undefined) {
      this.#change({ error: error.report() });
      this.#reach('failed');
      log.warn({ transfer: this.uuid, ...this.model, error: error.report() }, 'a transfer failed');
    }
    await this.#end
      ?.close()
      .catch((cause: unknown) => log.warn({ transfer: this.uuid, error: `${cause}` }, 'its end could not be closed'));
    await this.#disk?.remove();
    await this.#folder
      ?.remove()
      .catch((cause: unknown) =>
        log.warn({ transfer: this.uuid, error: `${cause}` }, 'its folder could not be removed'),
      );
    this.#reach('detached');
  }
}
