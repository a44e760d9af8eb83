/**
 * One agent's end of a transfer disk: the superblock, the local control block with its heartbeat, and the monitor of
 * the peer.
 *
 * The heartbeat also detects what no caller is waiting for at that moment: a peer that dies while the source provides
 * no data, and a disk that does not respond. Each such failure rejects {@link Link.guard}.
 */

import { randomBytes } from 'node:crypto';
import { StubferryError } from '../../base/errors/index.js';
import { atMost, type Clock, systemClock } from '../../base/time/clock.js';
import { StallTimer } from '../../base/time/stall-timer.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
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

/** Options of {@link Link.open}. */
export interface LinkOptions {
  readonly timeouts?: Timeouts;
  readonly clock?: Clock;
  /** Cancels the transfer; the reason of the signal becomes the error. */
  readonly signal?: AbortSignal;
  /**
   * The superblock that dom0 wrote itself. dom0 does not read it back from a disk that others can write. Without this
   * option the superblock is read from the disk.
   */
  readonly superblock?: Superblock;
  /** Identifies this run of the agent: a random, non-zero u64. Default: a new random number. */
  readonly epoch?: bigint;
}

/** One agent's end of a transfer disk. Create it with {@link Link.open} and end it with {@link Link.close}. */
export class Link {
  readonly device: BlockDevice;
  readonly role: Role;
  readonly superblock: Superblock;
  /** Seed of the frame checksums, derived from the UUID of the transfer. */
  readonly seed: bigint;
  readonly own: LocalControlBlock;
  readonly peer: PeerMonitor;
  /** Write notifications of the disk; undefined when the medium provides none. */
  readonly writes: WriteWatch | undefined;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly #failure: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  #failed = false;
  #closed = false;
  #stopHeartbeat: () => void = () => undefined;
  #unsubscribeSignal: () => void = () => undefined;
  #isBeating = false;
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
    // The caller of guard() reports the failure. Without a caller the rejection must not end the process.
    this.#failure.catch(() => undefined);
  }

  /**
   * Opens a formatted disk in `role`: reads the superblock, takes over the control block of that role and starts the
   * heartbeat.
   * @throws StubferryError what {@link readSuperblock} throws, DISK_IO
   */
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
    link.#watchSignal(signal);
    return link;
  }

  #watchSignal(signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) this.#fail(signal.reason);
    const onAbort = (): void => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#unsubscribeSignal = () => signal?.removeEventListener('abort', onAbort);
  }

  #startHeartbeat(): void {
    this.#stopHeartbeat = this.clock.every(this.timeouts.heartbeatMs, () => void this.#heartbeat());
  }

  async #heartbeat(): Promise<void> {
    const stalled = this.device.stalledFor();
    // A smaller value than before belongs to another request. The stall timer counts checks, because a process that was
    // stopped has not observed that the disk hung.
    if (stalled === 0 || stalled < this.#stalled) this.#stall.renew();
    this.#stalled = stalled;
    if (this.#stall.look() > this.timeouts.deviceMs) {
      this.#fail(
        new StubferryError('DISK_HUNG', 'the transfer disk does not respond', {
          where: this.device.path,
          expected: `a response within ${this.timeouts.deviceMs} ms`,
          found: `none for ${Math.round(stalled)} ms`,
          hint: 'check the backing store and the kernel logs of both sides',
        }),
      );
    }
    if (this.#isBeating) return;
    this.#isBeating = true;
    try {
      await this.own.beat();
      await this.peer.poll();
    } catch (error) {
      // For a receiver a restarted sender is not fatal: its ring reader gets the same error and restarts.
      const restart = error instanceof StubferryError && error.code === 'PEER_RESTARTED';
      if (!(restart && this.role === 'receiver')) this.#fail(error);
    } finally {
      this.#isBeating = false;
    }
  }

  /** Ends the transfer with `error`: {@link guard} rejects with it. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Whether the link has failed. Callers must not start anything new on a failed link. */
  get failed(): boolean {
    return this.#failed;
  }

  /**
   * Ends work that {@link guard} has abandoned, before that work accesses the disk again.
   * @throws StubferryError CANCELLED: when the link has failed or is closed
   */
  assertUsable(): void {
    if (this.#failed || this.#closed)
      throw new StubferryError('CANCELLED', 'the link has ended', { where: this.device.path });
  }

  /**
   * Resolves or rejects like `work`, or rejects with the failure of the link when that happens first. In the second
   * case `work` is abandoned, whatever it is waiting for.
   */
  guard<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    return Promise.race([work, this.#failure]);
  }

  /**
   * Whether the disk is removed from the peer after this end closes. Linux' blkfront then answers every read with an
   * end of the disk (6.1: blk_mark_disk_dead), so a stubdom that has not read the final status yet would report a disk
   * error. dom0 therefore waits until the stubdom has read it.
   */
  get removesDisk(): boolean {
    return this.role === DOM0_ROLE[this.superblock.direction];
  }

  /**
   * Publishes a final status (the final phase, or the error with which this agent gives up) and stops the heartbeat.
   * Never throws and never hangs.
   *
   * An agent for which {@link removesDisk} is true leaves its error on the disk until the peer has published its own
   * final status, or has been silent for as long as a live peer may be. Meanwhile the heartbeat repeats the error.
   * @param last the final phase or the error; without it the control block keeps its present phase
   */
  async close(last?: Phase | StubferryError): Promise<void> {
    this.#closed = true;
    // In a QMP proxy the signal outlives each link. A listener on it would keep the link in memory.
    this.#unsubscribeSignal();
    this.peer.close();
    this.writes?.close();
    if (last instanceof StubferryError) {
      const published = this.own.publish({ phase: 'aborted', errorStatus: last.status, reason: last.message });
      if (this.removesDisk) await atMost(this.clock, this.timeouts.deadMs, this.#untilPeerLeaves(published));
      else await atMost(this.clock, TIMEOUTS.finalStatus, published);
    } else if (last !== undefined) await atMost(this.clock, TIMEOUTS.finalStatus, this.own.publish({ phase: last }));
    this.#stopHeartbeat();
  }

  async #untilPeerLeaves(published: Promise<void>): Promise<void> {
    await published.catch(() => undefined);
    const backoff = new PollBackoff(this.clock);
    const stall = new StallTimer(this.clock);
    while (!(await this.peer.isUnreachable()) && stall.look() < this.timeouts.deadMs) await backoff.wait();
  }
}

function randomEpoch(): bigint {
  return randomBytes(8).readBigUInt64LE() | 1n;
}
