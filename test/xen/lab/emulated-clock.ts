/**
 * How fast time passes in the emulated machine.
 *
 *     one second there = `slowness` seconds here
 *
 * Xen, Linux, libxl and stubferry have limits that are made for real hardware: libxl gives a stubdom 30 s to start, an agent its peer 5 s.
 * The emulator runs all of them at a twentieth of the speed, so that such a limit measures the emulator. Here its clocks are slowed down as well, all by
 * the same factor: QEMU runs under Debian's libfaketime, which slows down the clock of its timers and stretches its sleeps. The processor's time stamp
 * counter is not changed: Xen measures it against those timers at boot, as it does on any machine.
 *
 * The factor follows from a calibration at the start of a run. So a limit is about the same amount of work on a quick
 * machine, on one half as fast, and on one that does something else as well.
 */
import { calibrationMs } from './calibration.js';

/** What the calibration takes on the quickest machine on which the lab was run, with nothing beside it. */
const QUICK_MS = 1400;

/** There, a stubdom that restores needs 9 of the 75 s that are libxl's 30 then. */
const QUICK_SLOWNESS = 2.5;

/** For a machine of a quarter of that speed: on a slower one .ci/run would take more than the 90 minutes that it may. */
const MOST_SLOWNESS = 10;

export interface EmulatedClock {
  /** Seconds of this machine for each second of the emulated one. */
  readonly slowness: number;
  readonly calibrationMs: number;
}

/** `folder` is for work. */
export async function calibratedClock(folder: string): Promise<EmulatedClock> {
  const ms = await calibrationMs(folder);
  const slowness = Math.min(MOST_SLOWNESS, Math.max(QUICK_SLOWNESS, (QUICK_SLOWNESS * ms) / QUICK_MS));
  return { slowness: Math.round(slowness * 10) / 10, calibrationMs: Math.round(ms) };
}

/** Debian's libfaketime, for programs with threads. */
export const LIBFAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** What QEMU has in its environment. */
export function clockEnvironment({ slowness }: EmulatedClock): Readonly<Record<string, string>> {
  return { LD_PRELOAD: LIBFAKETIME, FAKETIME: `+0 x${(1 / slowness).toFixed(6)}` };
}

/** What libfaketime leaves in memory when its process is killed. */
export function clockLeftovers(pid: number): string[] {
  return [`/dev/shm/faketime_shm_${pid}`, `/dev/shm/sem.faketime_sem_${pid}`];
}
