/**
 * What is known about the other agent, from its control block alone.
 *
 *     absent --first block--> alive --silence--> dead
 *                               |----aborted----> it said why
 *                               '----new epoch--> it was restarted: so says every poll until that epoch is followed,
 *                                                 or is dead or has given up in its turn
 */

import { ERROR_CODES, errorCodeOf, StubferryError } from '../../base/errors/index.js';
import type { Clock } from '../../base/time/clock.js';
import { StallTimer } from '../../base/time/stall-timer.js';
import type { ControlBlock, Role } from '../../formats/protocol/control-block.js';
import { type ControlSlots, FINAL_PHASES } from './control-slots.js';
import type { Timeouts } from './timeouts.js';

export class PeerMonitor {
  readonly #slots: ControlSlots;
  readonly #role: Role;
  readonly #where: string;
  readonly #timeouts: Timeouts;
  readonly #silence: StallTimer;
  #control: ControlBlock | undefined;
  #followed: bigint | undefined;
  #waiting = true;
  #isDead = false;
  #closed = false;

  /** @param role the peer's */
  constructor(slots: ControlSlots, role: Role, where: string, timeouts: Timeouts, clock: Clock) {
    this.#slots = slots;
    this.#role = role;
    this.#where = where;
    this.#timeouts = timeouts;
    this.#silence = new StallTimer(clock);
  }

  /** What it said last, as of the last {@link poll}. */
  get control(): ControlBlock | undefined {
    return this.#control;
  }

  /** Frames arrive, so it is alive, whatever its control block says. */
  heard(): void {
    this.#silence.renew();
  }

  /** From now on another epoch than this one is a restart; undefined accepts whichever comes next. */
  follow(epoch: bigint | undefined): void {
    this.#followed = epoch;
  }

  /** From now on the peer may go: nothing more is expected of it, unless it says that it gave up. */
  release(): void {
    this.#waiting = false;
  }

  /** Whether a word to it is in vain: it never came, is dead, or has had its last word. Also of a link that is closed. @throws StubferryError DISK_IO */
  async isGone(): Promise<boolean> {
    if (this.#isDead) return true;
    const found = await this.#slots.newest();
    return found === undefined || FINAL_PHASES.includes(found.phase);
  }

  /** Ends every loop that still polls. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Reads the peer's control block.
   * @throws StubferryError CANCELLED when the link was closed; PEER_ABORTED, PEER_RESTARTED, PEER_ABSENT, PEER_DEAD
   */
  async poll(): Promise<ControlBlock | undefined> {
    if (this.#closed) throw new StubferryError('CANCELLED', 'the link is closed', { where: this.#where });
    const found = await this.#slots.newest();
    if (!this.#waiting) {
      // Its silence means nothing any more, but what it says does.
      if (found?.phase === 'aborted' && found.epoch === this.#followed) throw this.#aborted(found);
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
    // Last: one that was restarted can give up or die as well, while whoever could follow it is held up by its destination.
    if (this.#followed !== undefined && this.#control !== undefined && this.#control.epoch !== this.#followed) {
      throw this.#restarted();
    }
    return this.#control;
  }

  /** A disk that takes no more writes of ours may take none of the peer's, while its old block is still to be read: the link's watch judges that. */
  #isDiskSilent(): boolean {
    return this.#slots.stalledFor() > this.#timeouts.deadMs / 2;
  }

  #restarted(): StubferryError {
    return new StubferryError('PEER_RESTARTED', `the ${this.#role} was restarted in the middle of the transfer`, {
      where: this.#where,
      expected: `the ${this.#role} that began`,
      found: 'another epoch in its control block',
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
    return new StubferryError('PEER_ABSENT', `no ${this.#role} came to the transfer disk`, {
      where: this.#where,
      expected: `a ${this.#role} within ${this.#timeouts.absentMs} ms`,
      found: 'a blank control block',
      hint: 'is the other agent running, and does it see this disk?',
    });
  }

  #dead(control: ControlBlock): StubferryError {
    return new StubferryError('PEER_DEAD', `the ${this.#role} stopped`, {
      where: this.#where,
      expected: `a heartbeat at least every ${this.#timeouts.deadMs} ms`,
      found: `none; when last heard it was ${control.phase}, ${control.streamed} bytes into the state`,
      hint: 'the other agent was killed, or its domain is paused or gone; start the transfer again',
    });
  }
}
