/** Saves that take as long as the test says, and end as it says. */
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

  /** The save of this number, from 0, when it is asked for. */
  async save(number = 0): Promise<HeldSave> {
    await until(() => this.#saves.length > number);
    const save = this.#saves[number];
    if (save === undefined) throw new Error('it was there');
    return save;
  }
}

/** What libxl sends for a save. */
export const SAVE = '{"execute":"xen-save-devices-state","id":7,"arguments":{"filename":"/dev/fdset/1","live":true}}';
