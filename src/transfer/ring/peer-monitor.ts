/**
 * What this agent knows about the peer, from the peer's control block alone.
 *
 *     absent --first block--> alive --silence--> dead
 *                               |----aborted----> the peer published its error
 *                               '----new epoch--> the peer was restarted: every poll reports it until the new epoch
 *                                                 is expected, or until the new peer is dead or has given up
 */

import { ERROR_CODES, errorCodeOf, StubferryError } from '../../base/errors/index.js';
import type { Clock } from '../../base/time/clock.js';
import { StallTimer } from '../../base/time/stall-timer.js';
import type { ControlBlock, Role } from '../../formats/protocol/control-block.js';
import { type ControlSlots, FINAL_PHASES } from './control-slots.js';
import type { Timeouts } from './timeouts.js';

/** Polls the control block of the peer and detects a peer that is absent, dead, restarted or aborted. */
export class PeerMonitor {
  readonly #slots: ControlSlots;
  readonly #role: Role;
  readonly #where: string;
  readonly #timeouts: Timeouts;
  readonly #silence: StallTimer;
  #control: ControlBlock | undefined;
  #expectedEpoch: bigint | undefined;
  #isRequired = true;
  #isDead = false;
  #closed = false;

  /**
   * @param role the role of the peer
   * @param where the path of the disk, for messages
   */
  constructor(slots: ControlSlots, role: Role, where: string, timeouts: Timeouts, clock: Clock) {
    this.#slots = slots;
    this.#role = role;
    this.#where = where;
    this.#timeouts = timeouts;
    this.#silence = new StallTimer(clock);
  }

  /** The peer's control block as of the last {@link poll}. */
  get control(): ControlBlock | undefined {
    return this.#control;
  }

  /** Records that the peer is alive: its frames arrive, whatever its control block contains. */
  confirmAlive(): void {
    this.#silence.renew();
  }

  /**
   * Sets the epoch of the peer. From now on {@link poll} reports another epoch as a restart; undefined accepts the next
   * epoch that appears.
   */
  expectEpoch(epoch: bigint | undefined): void {
    this.#expectedEpoch = epoch;
  }

  /** From now on the peer may end: {@link poll} reports only that the peer gave up. */
  release(): void {
    this.#isRequired = false;
  }

  /**
   * Whether the peer cannot read a message any more: it never opened the disk, is dead, or has published its final
   * status. May also be called after {@link close}.
   * @throws StubferryError DISK_IO
   */
  async isUnreachable(): Promise<boolean> {
    if (this.#isDead) return true;
    const found = await this.#slots.newest();
    return found === undefined || FINAL_PHASES.includes(found.phase);
  }

  /** Makes every further {@link poll} throw, so that all polling loops end. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Reads the peer's control block.
   * @returns the newest block; undefined while the peer has not opened the disk
   * @throws StubferryError CANCELLED: when the link is closed; PEER_ABORTED, PEER_RESTARTED, PEER_ABSENT, PEER_DEAD,
   *   DISK_IO
   */
  async poll(): Promise<ControlBlock | undefined> {
    if (this.#closed) throw new StubferryError('CANCELLED', 'the link is closed', { where: this.#where });
    const found = await this.#slots.newest();
    if (!this.#isRequired) {
      // The silence of a peer that is not required has no meaning, but its error has.
      if (found?.phase === 'aborted' && found.epoch === this.#expectedEpoch) throw this.#aborted(found);
      return found ?? this.#control;
    }
    const before = this.#control;
    if (
      found !== undefined &&
      (before === undefined || found.sequence > before.sequence || found.epoch !== before.epoch)
    ) {
      this.#silence.renew();
      this.#control = found;
    }
    if (this.#control?.phase === 'aborted') throw this.#aborted(this.#control);
    const silent = this.#silence.look();
    if (this.#control === undefined) {
      if (silent > this.#timeouts.absentMs) throw this.#absent();
    } else if (this.#control.phase !== 'done' && silent > this.#timeouts.deadMs && !this.#isDiskSilent()) {
      this.#isDead = true;
      throw this.#dead(this.#control);
    }
    // This check is the last one: a restarted peer can also give up or die while its destination holds up this agent.
    if (
      this.#expectedEpoch !== undefined &&
      this.#control !== undefined &&
      this.#control.epoch !== this.#expectedEpoch
    ) {
      throw this.#restarted();
    }
    return this.#control;
  }

  /**
   * A disk that completes no writes of this agent may complete none of the peer's either, while the old block of the
   * peer can still be read. The link's own timeout detects such a disk.
   */
  #isDiskSilent(): boolean {
    return this.#slots.stalledFor() > this.#timeouts.deadMs / 2;
  }

  #restarted(): StubferryError {
    return new StubferryError('PEER_RESTARTED', `the ${this.#role} was restarted during the transfer`, {
      where: this.#where,
      expected: `the ${this.#role} that started the transfer`,
      found: 'another epoch in the control block',
      hint: 'start the transfer again',
    });
  }

  #aborted(control: ControlBlock): StubferryError {
    const code = errorCodeOf(control.errorStatus);
    const name = code ?? `error ${control.errorStatus}`;
    const reason = control.reason === '' && code !== undefined ? ERROR_CODES[code].means : control.reason;
    return new StubferryError('PEER_ABORTED', `the ${this.#role} gave up: ${name}: ${reason}`, {
      where: this.#where,
      found: name,
      hint: `see the log of the ${this.#role} for more`,
    });
  }

  #absent(): StubferryError {
    return new StubferryError('PEER_ABSENT', `no ${this.#role} opened the transfer disk`, {
      where: this.#where,
      expected: `a ${this.#role} within ${this.#timeouts.absentMs} ms`,
      found: 'a blank control block',
      hint: 'is the other agent running, and can it access this disk?',
    });
  }

  #dead(control: ControlBlock): StubferryError {
    return new StubferryError('PEER_DEAD', `the ${this.#role} stopped`, {
      where: this.#where,
      expected: `a heartbeat at least every ${this.#timeouts.deadMs} ms`,
      found: `none; its last status was ${control.phase}, ${control.streamed} bytes into the state`,
      hint: 'the other agent was killed, or its domain is paused or gone; start the transfer again',
    });
  }
}
