/**
 * Determines how fast time passes in the emulated machine.
 *
 *     one second of the emulated machine = `slowness` seconds of the host
 *
 * Xen, Linux, libxl and stubferry have timeouts that are made for real hardware: libxl waits 30 s for the start of a
 * stubdom, and an agent waits 5 s for its peer. The emulator runs all of them at a twentieth of the speed, so that such
 * a timeout would measure the emulator. Therefore all clocks of the emulated machine are slowed down by one factor.
 * QEMU runs under Debian's libfaketime, which slows down the clock of QEMU's timers and lengthens its sleeps. The time
 * stamp counter of the processor is not changed: Xen calibrates it against those timers at boot, as on any machine.
 *
 * The factor follows from a calibration at the start of a run. A timeout therefore corresponds to about the same amount
 * of work on a quick machine, on a machine with half that speed, and on a busy machine.
 */
import { calibrationMs } from './calibration.js';

/** The calibration time on the quickest machine that has run the lab, when it was otherwise idle, in milliseconds. */
const QUICK_MS = 1400;

/**
 * The factor for that machine. libxl's 30 s are then 75 s of the host, of which a stubdom that restores a guest needs
 * 9 s.
 */
const QUICK_SLOWNESS = 2.5;

/**
 * The largest factor, for a machine with a quarter of that speed. On a slower machine .ci/run would exceed its limit of
 * 90 minutes.
 */
const MOST_SLOWNESS = 10;

export interface EmulatedClock {
  /** Seconds of the host for each second of the emulated machine. */
  readonly slowness: number;
  readonly calibrationMs: number;
}

/** Calibrates the clock for this machine. @param folder a working directory */
export async function calibratedClock(folder: string): Promise<EmulatedClock> {
  const ms = await calibrationMs(folder);
  const slowness = Math.min(MOST_SLOWNESS, Math.max(QUICK_SLOWNESS, (QUICK_SLOWNESS * ms) / QUICK_MS));
  return { slowness: Math.round(slowness * 10) / 10, calibrationMs: Math.round(ms) };
}

/** The path of Debian's libfaketime for programs with threads. */
export const LIBFAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** Returns the additional environment variables of QEMU. */
export function clockEnvironment({ slowness }: EmulatedClock): Readonly<Record<string, string>> {
  return { LD_PRELOAD: LIBFAKETIME, FAKETIME: `+0 x${(1 / slowness).toFixed(6)}` };
}

/** Returns the paths of the shared memory that libfaketime leaves behind when its process is killed. */
export function clockOrphans(pid: number): string[] {
  return [`/dev/shm/faketime_shm_${pid}`, `/dev/shm/sem.faketime_sem_${pid}`];
}
