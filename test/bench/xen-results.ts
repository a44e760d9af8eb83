/** What a run in the lab measured, as `STUBFERRY_XEN_RESULTS=FILE npm run test:xen` stores it. All times in milliseconds. */

/** One way to bring a disk to a stubdom, a figure for each round. */
export interface AttachTimes {
  /** From a file in memory until both ends of the vbd are Connected. */
  readonly attach: readonly number[];
  /** From there until nothing is left. */
  readonly detach: readonly number[];
}

export const WAYS = ['block', 'block-stubferry', 'xen'] as const;
export type Way = (typeof WAYS)[number];

/** From `stop` to the reply of `xen-save-devices-state`, as xl sends and hears them. */
export interface StoppedTimes {
  readonly console: readonly number[];
  /** The disk is attached by the hook, before the guest is paused. */
  readonly hooked: readonly number[];
  /** The disk is attached when QEMU is told to save. */
  readonly stubferry: readonly number[];
}

/** From the stubdom to dom0's file, from the first byte there on. */
export interface BlobTimes {
  readonly mebibytes: number;
  readonly consoleMs: number;
  /** By vchan-socket-proxy of Debian's xen-utils at both ends. */
  readonly vchanMs: number;
  /** By `dd oflag=direct` to a disk of the same kind, of which dom0 reads nothing. */
  readonly diskMs: number;
  readonly stubferryMs: number;
  /** With `--digest chain`: xxh64 on both sides, and no SHA-256. */
  readonly chainMs: number;
  /** With the time for the disk: made, attached, detached. */
  readonly wholeMs: number;
}

export interface XenResults {
  readonly date: string;
  readonly xen: string;
  readonly cpu: string;
  /** Seconds of the machine for each second of the emulated one, by whose clock all times are (test/xen/lab/emulated-clock.ts). */
  readonly slowness: number;
  readonly attach: Readonly<Record<Way, AttachTimes>>;
  readonly stopped: StoppedTimes;
  readonly blob: BlobTimes;
}
