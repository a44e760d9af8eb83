/** A hostile receiver. It reports arbitrary progress, and overwrites what dom0 sends. */
import type { Phase } from '../../../src/formats/protocol/control-block.js';
import type { Process } from '../machine/process.js';
import type { Forge } from './forge.js';

/** The interval and the number of its heartbeats. They satisfy dom0, and last longer than every timeout of dom0. */
const BEAT_MS = 50;
const MOST_BEATS = 1_000;

export class HostileReceiver {
  readonly #forge: Forge;
  readonly #process: Process;
  readonly #epoch: bigint;
  #control = 1;
  #cursor = 0;

  constructor(forge: Forge, process: Process) {
    this.#forge = forge;
    this.#process = process;
    this.#epoch = forge.u64() | 1n;
  }

  async whole(): Promise<void> {
    const { random } = this.#forge;
    const tameness = random.pick([0.5, 0.9]);
    const actions = random.pick([10, 40, 120]);
    this.#say('ready');
    if (random.chance(0.3)) return this.#sit(random.pick(['receiving', 'verified']));
    for (let action = 0; action < actions && this.#forge.hasDisk; action += 1) {
      await new Promise<void>((resolve) =>
        this.#process.after(random.scaled(0.05, random.pick([1, 10, 300])), resolve),
      );
      if (random.chance(tameness)) this.#takeSome();
      else this.#harm();
    }
  }

  /** Only sends heartbeats. */
  async #sit(phase: Phase): Promise<void> {
    for (let beat = 0; beat < MOST_BEATS && this.#forge.hasDisk; beat += 1) {
      this.#say(phase);
      await new Promise<void>((resolve) => this.#process.after(BEAT_MS, resolve));
    }
  }

  #say(phase: Phase): void {
    this.#control += 1;
    const control = {
      sequence: this.#control,
      epoch: this.#epoch,
      peerEpoch: this.#senderEpoch(),
      cursor: this.#cursor,
    };
    this.#forge.control('receiver', { ...control, streamed: 0, phase, errorStatus: 0, reason: '' }, undefined);
  }

  /** Returns the epoch of the sender in dom0, from its control block. */
  #senderEpoch(): bigint {
    const at = this.#forge.codec.layout.CONTROL_OFFSETS.sender;
    const view = new DataView(this.#forge.medium.bytes.buffer, at, 2 * 4096);
    return view.getBigUint64(16, true) || view.getBigUint64(4096 + 16, true);
  }

  #takeSome(): void {
    if (this.#forge.random.chance(0.5)) this.#cursor += 4096 * this.#forge.random.below(8);
    this.#say('receiving');
  }

  #harm(): void {
    const { random } = this.#forge;
    const fields = this.#forge.controlFields();
    const followed = { ...fields, epoch: this.#epoch, peerEpoch: this.#senderEpoch(), sequence: this.#control + 1 };
    const ways = [
      () => this.#forge.vandalise(),
      // The control block of dom0.
      () => this.#forge.control('sender', fields, 'hostile control block'),
      () => this.#forge.control('receiver', fields, 'hostile control block'),
      () => this.#forge.control('receiver', followed, 'hostile control block'),
      () => this.#say(random.pick(['verified', 'committed', 'loaded'])),
    ];
    random.pick(ways)();
  }
}
