/** Replaces globals that the product uses, with virtual time. Each module of the product imports them. */
import type { Happening } from '../world/scheduler.js';
import { self, selfIfAny } from './host.js';

type Timer = Happening & { unref(): Timer };

function timer(happening: Happening): Timer {
  return Object.assign(happening, {
    unref(this: Timer) {
      return this;
    },
  });
}

export function setTimeout(run: () => void, ms = 0): Timer {
  return timer(self().after(Math.max(ms, 0.01), run));
}

export function clearTimeout(happening: Happening | undefined): void {
  if (happening !== undefined) self().cancel(happening);
}

interface Interval {
  next: Happening | undefined;
}

export function setInterval(tick: () => void, ms: number): Interval {
  const process = self();
  const interval: Interval = { next: undefined };
  const again = (): void => {
    interval.next = process.after(ms, () => {
      again();
      tick();
    });
  };
  again();
  return interval;
}

export function clearInterval({ next }: Interval): void {
  if (next !== undefined) self().cancel(next);
}

export const performance = { now: (): number => selfIfAny()?.world.now ?? 0 };

/** The wall clock at the start of each run. */
const EPOCH = Date.UTC(2026, 0, 1);
const RealDate = globalThis.Date;

class VirtualDate extends RealDate {
  constructor() {
    super(VirtualDate.now());
  }

  static override now(): number {
    return Math.floor(EPOCH + performance.now());
  }
}

export { VirtualDate as Date };

export const process = {
  hrtime: { bigint: (): bigint => BigInt(Math.round(performance.now() * 1e6)) },
  geteuid: (): number => 0,
};

/** Counts the memory of buffers for the disk. */
class Memory {
  readonly buffer: ArrayBuffer;

  constructor({ initial }: { readonly initial: number }) {
    this.buffer = new ArrayBuffer(initial * 65536);
    const process = selfIfAny();
    if (process !== undefined) process.bufferBytes += this.buffer.byteLength;
  }
}

export const WebAssembly = { Memory };
