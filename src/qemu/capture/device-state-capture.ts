/** Captures the state of the devices: what a toolstack on Xen asks for, which moves the guest's RAM itself. */

import type { StateSource } from '../../formats/state-source.js';
import { type Monitor, saveDevicesState } from '../qmp/index.js';
import type { CaptureOptions } from './capture.js';
import { CapturedState } from './captured-state.js';
import { StateFifo } from './state-fifo.js';

/** May be used again and again, for one state after the other. */
export class DeviceStateCapture {
  readonly #options: CaptureOptions;
  #fifo: StateFifo;
  #state: CapturedState | undefined;

  private constructor(options: CaptureOptions, fifo: StateFifo) {
    this.#options = options;
    this.#fifo = fifo;
  }

  /** @throws StubferryError CAPTURE_LOST */
  static async prepare(options: CaptureOptions): Promise<DeviceStateCapture> {
    return new DeviceStateCapture(options, await StateFifo.make(options.parent));
  }

  /**
   * Asks QEMU; what it writes can be read from then on.
   * @param args what the command has beside the file
   */
  async begin(monitor: Monitor, args: Readonly<Record<string, unknown>>): Promise<StateSource> {
    // Days may have passed since the FIFO was made, and something may have cleaned the folder.
    if (!(await this.#fifo.isInPlace())) await this.#anew();
    const source = this.#fifo.open();
    const saved = saveDevicesState(monitor, { ...args, filename: this.#fifo.path });
    this.#state = new CapturedState(source, saved, {
      where: this.#fifo.path,
      stallMs: this.#options.stallMs,
      // A QEMU that comes to open it only now fails, where it would wait for a reader with its whole main loop.
      onStuck: () => this.#fifo.remove(),
    });
    return this.#state;
  }

  /** Has QEMU come to its end, if it has not: then it can be asked again. */
  async finish(): Promise<void> {
    const state = this.#state;
    this.#state = undefined;
    await state?.close();
    // A QEMU that did not come to its end may still write into this one.
    if (state?.isOver === false) await this.#anew();
  }

  async #anew(): Promise<void> {
    await this.#fifo.remove();
    this.#fifo = await StateFifo.make(this.#options.parent);
  }

  /** Removes the FIFO. */
  async close(): Promise<void> {
    await this.finish();
    await this.#fifo.remove();
  }
}
