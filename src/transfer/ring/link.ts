/**
 * One agent's end of a transfer disk: the superblock, its own control block with its heartbeat, and the watch over
 * the peer.
 *
 * The heartbeat is also where everything is noticed that nobody waits for just then: a peer that dies while the
 * source has nothing to say, a disk that no longer answers. All of it ends in {@link Link.guard}.
 */
import { randomBytes } from 'node:crypto';
import { StubferryError } from '../../base/errors/index.js';
import { atMost, type Clock, systemClock } from '../../base/time/clock.js';
import { StallTimer } from '../../base/time/stall-timer.js';
import type { BlockDevice } from '../../blockdev-utils/index.js';
import { DOM0_ROLE, type Phase, type Role } from '../../formats/protocol/control-block.js';
import type { Superblock } from '../../formats/protocol/superblock.js';
import { uuidSeed } from '../../formats/protocol/uuid.js';
import { ControlSlots } from './control-slots.js';
import { readSuperblock } from './disk-layout.js';
import { LocalControlBlock } from './local-control-block.js';
import { PeerMonitor } from './peer-monitor.js';
import { PollBackoff } from './poll-backoff.js';
import { DEFAULT_TIMEOUTS, type Timeouts } from './timeouts.js';
import { WriteWatch } from './write-watch.js';

/** Longest wait for the last word of a failing agent to reach the disk, milliseconds. */
const LAST_WORD_MS = 1_000;

export interface LinkOptions {
  readonly timeouts?: Timeouts;
  readonly clock?: Clock;
  /** Cancels the transfer, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
  /** What dom0 has written itself, and does not read back from a disk that others can write. Else it is read. */
  readonly superblock?: Superblock;
  /** A random, non-zero u64. */
  readonly epoch?: bigint;
}

export class Link {
  readonly device: BlockDevice;
  readonly role: Role;
  readonly superblock: Superblock;
  readonly seed: bigint;
  readonly own: LocalControlBlock;
  readonly peer: PeerMonitor;
  /** Undefined where the medium does not tell of them. */
  readonly writes: WriteWatch | undefined;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly #failure: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  #failed = false;
  #closed = false;
  #stopHeartbeat: () => void = () => undefined;
  #ignoreSignal: () => void = () => undefined;
  #beating = false;
  #stalled = 0;
  readonly #stall: StallTimer;

  private constructor(
    device: BlockDevice,
    role: Role,
    superblock: Superblock,
    own: LocalControlBlock,
    peer: PeerMonitor,
    clock: Clock,
    timeouts: Timeouts,
  ) {
    this.device = device;
    this.role = role;
    this.superblock = superblock;
    this.seed = uuidSeed(superblock.transferUuid);
    this.own = own;
    this.peer = peer;
    this.clock = clock;
    this.writes = WriteWatch.over(device);
    this.#stall = new StallTimer(clock);
    this.timeouts = timeouts;
    this.#failure = new Promise((_, reject) => {
      this.#fail = (error) => {
        this.#failed = true;
        reject(error);
      };
    });
    // The failure is reported by whoever runs under guard(); without one it must not end the process.
    this.#failure.catch(() => undefined);
  }

  /** Takes `role` on a formatted disk. @throws StubferryError what {@link readSuperblock} throws, DISK_IO */
  static async open(device: BlockDevice, role: Role, options: LinkOptions = {}): Promise<Link> {
    const { timeouts = DEFAULT_TIMEOUTS, clock = systemClock, signal, epoch = randomEpoch() } = options;
    const superblock = options.superblock ?? (await readSuperblock(device));
    const own = await LocalControlBlock.take(new ControlSlots(device, role, superblock), epoch, device.path);
    const peerRole = role === 'sender' ? 'receiver' : 'sender';
    const peerSlots = new ControlSlots(device, peerRole, superblock);
    const link = new Link(
      device,
      role,
      superblock,
      own,
      new PeerMonitor(peerSlots, peerRole, device.path, timeouts, clock),
      clock,
      timeouts,
    );
    link.#startHeartbeat();
    link.#heed(signal);
    return link;
  }

  #heed(signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) this.#fail(signal.reason);
    const onAbort = (): void => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#ignoreSignal = () => signal?.removeEventListener('abort', onAbort);
  }

  #startHeartbeat(): void {
    this.#stopHeartbeat = this.clock.every(this.timeouts.heartbeatMs, () => void this.#heartbeat());
  }

  async #heartbeat(): Promise<void> {
    const stalled = this.device.stalledFor();
    // Less than before is another request. Counted by looks: a process that was stopped has not seen the disk hang.
    if (stalled === 0 || stalled < this.#stalled) this.#stall.renew();
    this.#stalled = stalled;
    if (this.#stall.look() > this.timeouts.deviceMs) {
      this.#fail(
        new StubferryError('DISK_HUNG', 'the transfer disk does not answer', {
          where: this.device.path,
          expected: `an answer within ${this.timeouts.deviceMs} ms`,
          found: `none for ${Math.round(stalled)} ms`,
          hint: 'look at the backing store and at the kernel logs of both sides',
        }),
      );
    }
    if (this.#beating) return;
    this.#beating = true;
    try {
      await this.own.beat();
      await this.peer.poll();
    } catch (error) {
      // A restarted sender is not the end for a receiver: its ring reader meets it too, and begins anew.
      const restart = error instanceof StubferryError && error.code === 'PEER_RESTARTED';
      if (!(restart && this.role === 'receiver')) this.#fail(error);
    } finally {
      this.#beating = false;
    }
  }

  /** Ends the transfer with `error`. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Whether the link has failed: nothing should be begun on it any more. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Work that {@link guard} has left behind ends here, before it touches the disk again. @throws StubferryError CANCELLED */
  assertUsable(): void {
    if (this.#failed || this.#closed)
      throw new StubferryError('CANCELLED', 'the link is over', { where: this.device.path });
  }

  /** `work`, or the failure of the link if that comes first: then `work` is left behind, whatever it hangs on. */
  guard<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    return Promise.race([work, this.#failure]);
  }

  /**
   * Whether the disk is taken away behind this end. Linux' blkfront then answers every read with an end of the disk (6.1: blk_mark_disk_dead),
   * so a stubdom that has not looked yet would blame the disk: dom0 stays until its last word was heard.
   */
  get takesDisk(): boolean {
    return this.role === DOM0_ROLE[this.superblock.direction];
  }

  /**
   * Ends with a last word: the final phase, or why this agent gives up. Never throws, never hangs.
   *
   * Who {@link takesDisk} leaves the reason there until the peer has had its own last word, or was silent for as long as one that lives may be;
   * the heartbeat says it again meanwhile.
   */
  async close(last?: Phase | StubferryError): Promise<void> {
    this.#closed = true;
    // At a proxy the signal outlives each link, and would keep it in memory.
    this.#ignoreSignal();
    this.peer.close();
    this.writes?.close();
    if (last instanceof StubferryError) {
      const said = this.own.publish({ phase: 'aborted', errorStatus: last.status, reason: last.message });
      if (this.takesDisk) await atMost(this.clock, this.timeouts.deadMs, this.#untilHeard(said));
      else await atMost(this.clock, LAST_WORD_MS, said);
    } else if (last !== undefined) await atMost(this.clock, LAST_WORD_MS, this.own.publish({ phase: last }));
    this.#stopHeartbeat();
  }

  async #untilHeard(said: Promise<void>): Promise<void> {
    await said.catch(() => undefined);
    const pace = new PollBackoff(this.clock);
    const patience = new StallTimer(this.clock);
    while (!(await this.peer.isGone()) && patience.look() < this.timeouts.deadMs) await pace.wait();
  }
}

function randomEpoch(): bigint {
  return randomBytes(8).readBigUInt64LE() | 1n;
}
