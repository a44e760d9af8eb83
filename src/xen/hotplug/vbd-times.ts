export interface VbdTimes {
  /** For both ends to come together, milliseconds. */
  readonly connectMs: number;
  /** For the stubdom to let go of it before it is taken away, milliseconds. */
  readonly closeMs: number;
}

/** A stubdom connects within 0.2 s, measured under emulation; one that is paused, or starts, takes longer. libxl gives 10 s to either. */
export const VBD_TIMES: VbdTimes = { connectMs: 30_000, closeMs: 10_000 };
