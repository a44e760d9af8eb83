/** Replaces `node:timers/promises`. */
import { self } from './host.js';

/** The shortest and the longest time of an event-loop yield, in milliseconds. */
const TURN = [0.001, 0.03] as const;

export function setTimeout(ms: number): Promise<void> {
  return new Promise((resolve) => self().after(Math.max(ms, TURN[0]), resolve));
}

export function setImmediate(): Promise<void> {
  return new Promise((resolve) => {
    const process = self();
    process.after(process.world.random.between(...TURN), resolve);
  });
}
