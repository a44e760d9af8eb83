/**
 * How long the receiver waits for a missing frame, and which error it reports in the end.
 *
 *     the sender has not started            no limit: its source may wait for a person
 *     the sender reports it as written,     settleMs     FRAME_CORRUPT
 *       and it fails its check
 *     a frame of a later lap is at its      settleMs     PROTOCOL_VIOLATION: the sender overran the ring. In this
 *       position                                         time the sender may still notice that its receiver was
 *                                                        restarted, and report that
 *     its header is valid, its payload      progressMs   TORN
 *       never becomes valid
 *     only frames of an earlier sender      progressMs   STALE_EPOCH
 *     nothing                               progressMs   NO_PROGRESS
 */
import { StubferryError } from '../../base/errors/index.js';
import { StallTimer } from '../../base/time/stall-timer.js';
import type { Expected, NotYet } from './frame-check.js';
import type { Link } from './link.js';

/** Why the frame is missing: see {@link NotYet}; `torn` is a valid header whose payload is not valid. */
export type Missing = NotYet | 'torn';

/** Decides after each poll without a frame whether the receiver keeps waiting. */
export class MissingFrame {
  readonly #link: Link;
  readonly #stall: StallTimer;
  #settling: StallTimer | undefined;

  constructor(link: Link) {
    this.#link = link;
    this.#stall = new StallTimer(link.clock);
  }

  /** Restarts the waiting time: a frame arrived, or the caller starts to wait for the next one. */
  renew(): void {
    this.#stall.renew();
    this.#settling = undefined;
  }

  /** Time waited so far, in milliseconds. */
  waited(): number {
    return this.#stall.look();
  }

  /**
   * Evaluates one more poll that found no frame.
   * @param offset offset of the missing frame on the disk, in bytes
   * @throws StubferryError FRAME_CORRUPT, PROTOCOL_VIOLATION, TORN, STALE_EPOCH, NO_PROGRESS
   */
  judge(reason: Missing, expected: Expected | undefined, offset: number): void {
    const { peer, timeouts } = this.#link;
    if (expected !== undefined) this.#settle(reason, expected, offset);
    const begun = peer.control !== undefined && peer.control.phase !== 'ready';
    if (!begun && reason !== 'torn') this.#stall.renew();
    if (this.#stall.look() > timeouts.progressMs) throw this.#givenUp(reason, offset);
  }

  #settle(reason: Missing, expected: Expected, offset: number): void {
    const { peer, clock, timeouts, device } = this.#link;
    const written = peer.control?.epoch === expected.epoch && peer.control.cursor > expected.position;
    if (!written && reason !== 'later-lap') {
      this.#settling = undefined;
      return;
    }
    this.#settling ??= new StallTimer(clock);
    if (this.#settling.look() <= timeouts.settleMs) return;
    if (reason === 'later-lap') {
      throw new StubferryError('PROTOCOL_VIOLATION', 'the sender overran the ring', {
        where: device.path,
        offset,
        expected: `frame ${expected.sequence}, at ring position ${expected.position}`,
        found: 'a frame of a later lap, written over it',
      });
    }
    throw new StubferryError('FRAME_CORRUPT', 'a frame on the disk is damaged', {
      where: device.path,
      offset,
      expected: `frame ${expected.sequence}, which the sender reports as written`,
      found: reason === 'torn' ? 'a payload that does not match its checksum' : `no valid header (${reason})`,
      hint: 'the storage between the agents changed it; check for I/O errors, then start the transfer again',
    });
  }

  #givenUp(reason: Missing, offset: number): StubferryError {
    const where = this.#link.device.path;
    const limit = this.#link.timeouts.progressMs;
    switch (reason) {
      case 'torn':
        return new StubferryError('TORN', 'the payload of a frame never became complete', {
          where,
          offset,
          found: `a payload that does not match its header after ${limit} ms`,
        });
      case 'other-epoch':
        return new StubferryError('STALE_EPOCH', 'the disk contains only a frame of an earlier sender', {
          where,
          offset,
        });
      default:
        return new StubferryError('NO_PROGRESS', 'the sender is alive but sends nothing', {
          where,
          offset,
          expected: `a frame within ${limit} ms`,
          found: reason,
          hint: "the sender's source may be stuck; see the log of the sender",
        });
    }
  }
}
