/** Saves whose end and result the test controls. */
import type { OnSave, SaveRequest } from '../../../src/qemu/proxy/index.js';
import { until } from './until.js';

export interface HeldSave {
  readonly request: SaveRequest;
  succeed(): void;
  fail(error: Error): void;
}

export class HeldSaves {
  readonly #saves: HeldSave[] = [];

  readonly onSave: OnSave = (request) =>
    new Promise((resolve, reject) => {
      this.#saves.push({ request, succeed: resolve, fail: reject });
    });

  get count(): number {
    return this.#saves.length;
  }

  /** Waits for the save with this number, from 0. */
  async save(number = 0): Promise<HeldSave> {
    await until(() => this.#saves.length > number);
    const save = this.#saves[number];
    if (save === undefined) throw new Error('no such save');
    return save;
  }
}

/** The command that libxl sends for a save. */
export const SAVE = '{"execute":"xen-save-devices-state","id":7,"arguments":{"filename":"/dev/fdset/1","live":true}}';
