/** Captures the state of the devices, without RAM: a toolstack on Xen transfers the guest's RAM itself. */
import type { StateSource } from '../../formats/state-source.js';
import { type Monitor, saveDevicesState } from '../qmp/index.js';
import type { CaptureOptions } from './capture.js';
import { CapturedState } from './captured-state.js';
import { StateFifo } from './state-fifo.js';

/** A capture that can be used repeatedly, for one state after the other. */
export class DeviceStateCapture {
  readonly #options: CaptureOptions;
  #fifo: StateFifo;
  #state: CapturedState | undefined;

  private constructor(options: CaptureOptions, fifo: StateFifo) {
    this.#options = options;
    this.#fifo = fifo;
  }

  /** Creates the FIFO. @throws StubferryError CAPTURE_LOST */
  static async prepare(options: CaptureOptions): Promise<DeviceStateCapture> {
    return new DeviceStateCapture(options, await StateFifo.make(options.parent));
  }

  /**
   * Sends the command to QEMU and returns the source of the state.
   * @param args the arguments of the command other than `filename`
   * @throws StubferryError CAPTURE_LOST
   */
  async begin(monitor: Monitor, args: Readonly<Record<string, unknown>>): Promise<StateSource> {
    // The FIFO may be days old, and a cleanup job may have removed it.
    if (!(await this.#fifo.isInPlace())) await this.#recreate();
    const source = this.#fifo.open();
    const saved = saveDevicesState(monitor, { ...args, filename: this.#fifo.path });
    this.#state = new CapturedState(source, saved, {
      where: this.#fifo.path,
      stallMs: this.#options.stallMs,
      // After this, an open() by QEMU fails. Otherwise it would block QEMU's main loop until a reader appears.
      onStuck: () => this.#fifo.remove(),
    });
    return this.#state;
  }

  /** Makes QEMU finish, if it still writes. After this, {@link begin} can be called again. */
  async finish(): Promise<void> {
    const state = this.#state;
    this.#state = undefined;
    await state?.close();
    // A QEMU that did not finish may still write to this FIFO.
    if (state?.isFinished === false) await this.#recreate();
  }

  async #recreate(): Promise<void> {
    await this.#fifo.remove();
    this.#fifo = await StateFifo.make(this.#options.parent);
  }

  /** Makes QEMU finish and removes the FIFO. */
  async close(): Promise<void> {
    await this.finish();
    await this.#fifo.remove();
  }
}
