/**
 * The results of a run in the lab, which `STUBFERRY_XEN_RESULTS=FILE npm run test:xen` stores. Times are in
 * milliseconds.
 */

/** The times of one way to attach a disk to a stubdom, for each round. */
export interface AttachTimes {
  /** From a file in memory until the states of both ends of the vbd are Connected. */
  readonly attach: readonly number[];
  /** From then until everything is removed. */
  readonly detach: readonly number[];
}

export const WAYS = ['block', 'block-stubferry', 'xen'] as const;
export type Way = (typeof WAYS)[number];

/** The times from `stop` to the reply of `xen-save-devices-state`, as xl sends and receives them. */
export interface StoppedTimes {
  readonly console: readonly number[];
  /** With the save hook, which attaches the disk before the guest is paused. */
  readonly hooked: readonly number[];
  /** Without the save hook: the disk is attached when QEMU receives the save command. */
  readonly stubferry: readonly number[];
}

/** The times of a transfer from the stubdom to a file in dom0, starting with the first byte in the stubdom. */
export interface BlobTimes {
  readonly mebibytes: number;
  readonly consoleMs: number;
  /** With vchan-socket-proxy of Debian's xen-utils at both ends. */
  readonly vchanMs: number;
  /** With `dd oflag=direct` to a disk of the same kind, which dom0 does not read. */
  readonly diskMs: number;
  readonly stubferryMs: number;
  /** With `--digest chain`, which uses xxh64 on both sides and no SHA-256. */
  readonly chainMs: number;
  /** Including the time to create, attach and detach the disk. */
  readonly wholeMs: number;
}

export interface XenResults {
  readonly date: string;
  readonly xen: string;
  readonly cpu: string;
  /**
   * Real seconds for each second of the emulated machine, whose clock measures all times
   * (test/xen/lab/emulated-clock.ts).
   */
  readonly slowness: number;
  readonly attach: Readonly<Record<Way, AttachTimes>>;
  readonly stopped: StoppedTimes;
  readonly blob: BlobTimes;
}
