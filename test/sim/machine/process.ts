/**
 * One process of a machine: its system calls, its timers, its end.
 *
 *     call --> (latency) --> takes effect --> (latency) --> answered: the code goes on until it waits again
 *            ^                             ^
 *            '---------- killed -----------'
 *
 * A killed process hears of nothing any more: no answer, no timer. Since code can only go on where it is answered, that ends it at
 * exactly the await at which it stands. What it had asked for may still take effect, or not.
 */
import type { Happening } from '../world/scheduler.js';
import type { World } from '../world/world.js';
import { errno } from './errno.js';
import type { OpenFile } from './file-system.js';
import type { Machine } from './machine.js';

export type DiskReply<T> = (error: Error | undefined, value?: T) => void;

/** Kills a process at one of its steps: before a call takes effect, or between the effect and the answer. */
export interface Death {
  /** Steps from the moment that it waits for. */
  steps: number;
  /** Armed from the first call of that name on; undefined from the start. */
  readonly from: string | undefined;
  armed: boolean;
}

/** Shortest and longest time of a system call, milliseconds. */
const LATENCY = [0.005, 0.2] as const;

export class Process {
  readonly name: string;
  readonly machine: Machine;
  readonly world: World;
  readonly files = new Map<number, OpenFile>();
  readonly timers = new Set<Happening>();
  readonly startedAt: number;
  /** How much longer everything takes it. */
  slowness = 1;
  alive = true;
  /** System calls that were not answered yet. */
  pending = 0;
  /** Requests that will never be answered. */
  hung = 0;
  /** Bytes of buffers for the disk that were made. */
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

  /** Makes an open file a descriptor. */
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

  /** A system call that the process does not wait for in a thread of its own. */
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

  /** A system call that is answered later. @param extra milliseconds that it takes longer; infinite: it never is */
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

  /** As {@link call}. */
  async asked<T>(what: string, effect: () => T, extra = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer: DiskReply<T> = (error, value) => (error === undefined ? resolve(value as T) : reject(error));
      this.call(what, effect, answer, extra);
    });
  }

  /** Goes on with its code, when it can. */
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

  /** It does nothing for so long, and does not know of it. */
  stop(ms: number): void {
    this.#stoppedUntil = this.world.now + ms;
  }

  get stopped(): boolean {
    return this.world.now < this.#stoppedUntil;
  }

  /** One step further, into a call or out of it: here it may be killed. */
  step(what: string): void {
    const { death } = this;
    if (death === undefined || !this.alive) return;
    death.armed ||= death.from === undefined || what.startsWith(death.from);
    if (!death.armed) return;
    death.steps -= 1;
    if (death.steps >= 0) return;
    this.kill(what);
  }

  /** SIGKILL. @param at what it was about */
  kill(at: string): void {
    if (!this.alive) return;
    this.world.note(this.name, () => `KILLED at: ${at}`);
    this.#end();
    this.onKilled();
  }

  /** It ends by itself. */
  exit(): void {
    if (this.alive) this.#end();
  }

  #end(): void {
    this.alive = false;
    // A process is gone only when its calls are: each has taken effect by then, or never will.
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
