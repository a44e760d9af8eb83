/**
 * One process of a machine, with its system calls, its timers and its end.
 *
 *     call --> (latency) --> takes effect --> (latency) --> completes: the code runs until it waits again
 *            ^                             ^
 *            '------ may be killed --------'
 *
 * A killed process receives no completion and no timer. Code only runs when a call or timer completes, so that this
 * ends the process exactly at its current await. Its pending calls may still take effect or not.
 */
import type { Happening } from '../world/scheduler.js';
import type { World } from '../world/world.js';
import { errno } from './errno.js';
import type { OpenFile } from './file-system.js';
import type { Machine } from './machine.js';

export type DiskReply<T> = (error: Error | undefined, value?: T) => void;

/** Kills a process at one of its steps: before a call takes effect, or between the effect and the completion. */
export interface Death {
  /** How many steps the process survives after this is armed. */
  steps: number;
  /** The start of the name of the call that arms it; undefined if it is armed from the start. */
  readonly from: string | undefined;
  armed: boolean;
}

/** The shortest and the longest time of a system call, in milliseconds. */
const LATENCY = [0.005, 0.2] as const;

export class Process {
  readonly name: string;
  readonly machine: Machine;
  readonly world: World;
  readonly files = new Map<number, OpenFile>();
  readonly timers = new Set<Happening>();
  readonly startedAt: number;
  /** The factor by which everything takes longer. */
  slowness = 1;
  alive = true;
  /** The number of system calls that have not completed yet. */
  pending = 0;
  /** The number of requests that never complete. */
  hung = 0;
  /** The total size of its buffers for the disk, in bytes. */
  bufferBytes = 0;
  death: Death | undefined;
  onKilled: () => void = () => undefined;
  readonly #underWay = new Set<() => unknown>();
  #nextFile = 3;
  #stoppedUntil = 0;

  constructor(name: string, machine: Machine) {
    this.name = name;
    this.machine = machine;
    this.world = machine.world;
    this.startedAt = machine.world.now;
  }

  latency(): number {
    return this.world.random.between(...LATENCY) * this.slowness;
  }

  /** Returns a new descriptor for an open file. */
  descriptor(file: OpenFile): number {
    const fd = this.#nextFile;
    this.#nextFile += 1;
    this.files.set(fd, file);
    return fd;
  }

  file(fd: number): OpenFile {
    const file = this.files.get(fd);
    if (file === undefined) throw errno('EBADF', `${fd}`);
    return file;
  }

  closeFile(fd: number): void {
    this.machine.files.close(this.file(fd));
    this.files.delete(fd);
  }

  /** Executes a synchronous system call. */
  sync<T>(what: string, effect: () => T): T {
    this.step(what);
    this.#mustLive();
    const value = effect();
    this.step(what);
    this.#mustLive();
    return value;
  }

  #mustLive(): void {
    if (!this.alive) throw errno('KILLED', 'this process was killed');
  }

  /**
   * Executes an asynchronous system call.
   * @param extra the additional time in milliseconds; with Infinity the call never completes
   */
  call<T>(what: string, effect: () => T, answer: DiskReply<T>, extra = 0): void {
    this.step(what);
    if (!this.alive) return;
    this.pending += 1;
    if (extra === Number.POSITIVE_INFINITY) {
      this.hung += 1;
      return;
    }
    this.#underWay.add(effect);
    this.world.scheduler.after(this.latency() + extra, () => {
      if (!this.#underWay.delete(effect)) return;
      const outcome = attempt(effect);
      this.world.note(this.name, () => `${what}${outcome.error === undefined ? '' : `: ${outcome.error.message}`}`);
      this.step(what);
      if (!this.alive) return;
      const answered = (): void => {
        this.pending -= 1;
        answer(outcome.error, outcome.value);
      };
      if (this.world.random.chance(0.25)) this.world.scheduler.after(this.latency(), () => this.resume(answered));
      else this.resume(answered);
    });
  }

  /** The same as {@link call}, with a promise. */
  async asked<T>(what: string, effect: () => T, extra = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer: DiskReply<T> = (error, value) => (error === undefined ? resolve(value as T) : reject(error));
      this.call(what, effect, answer, extra);
    });
  }

  /** Runs code of the process, as soon as the process is not stopped. */
  resume(run: () => void): void {
    if (!this.alive) return;
    if (this.world.now < this.#stoppedUntil) {
      this.world.scheduler.at(this.#stoppedUntil, () => this.resume(run));
      return;
    }
    this.world.scheduler.wake();
    run();
  }

  after(ms: number, run: () => void): Happening {
    const timer = this.world.scheduler.after(ms, () => {
      this.timers.delete(timer);
      this.resume(() => {
        if (!timer.cancelled) run();
      });
    });
    if (this.alive) this.timers.add(timer);
    return timer;
  }

  cancel(timer: Happening): void {
    timer.cancelled = true;
    this.timers.delete(timer);
  }

  /** Stops the process for some time, which it cannot notice itself. */
  stop(ms: number): void {
    this.#stoppedUntil = this.world.now + ms;
  }

  get stopped(): boolean {
    return this.world.now < this.#stoppedUntil;
  }

  /** Counts a step into a call or out of it, at which the process may be killed. */
  step(what: string): void {
    const { death } = this;
    if (death === undefined || !this.alive) return;
    death.armed ||= death.from === undefined || what.startsWith(death.from);
    if (!death.armed) return;
    death.steps -= 1;
    if (death.steps >= 0) return;
    this.kill(what);
  }

  /** Kills the process. @param at the current step */
  kill(at: string): void {
    if (!this.alive) return;
    this.world.note(this.name, () => `KILLED at: ${at}`);
    this.#end();
    this.onKilled();
  }

  /** Ends the process normally. */
  exit(): void {
    if (this.alive) this.#end();
  }

  #end(): void {
    this.alive = false;
    // A process ends only when its calls have ended. Each has taken effect by then, or never does.
    for (const effect of this.#underWay) if (this.world.random.chance(0.5)) attempt(effect);
    this.#underWay.clear();
    for (const timer of this.timers) timer.cancelled = true;
    this.timers.clear();
    for (const file of this.files.values()) this.machine.files.close(file);
    this.files.clear();
    this.machine.requests.abandon(this);
  }
}

function attempt<T>(effect: () => T): { error?: Error; value?: T } {
  try {
    return { value: effect() };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}
