/**
 * The limits of the format. Every size that a disk or file declares is checked against them before memory is allocated
 * for it. A user can configure lower limits, but not higher ones.
 */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;

/** The limits of the format, in bytes unless stated otherwise. */
export const LIMITS = {
  /** The payload of one frame. */
  payload: { min: 4 * KiB, default: 1 * MiB, max: 8 * MiB },
  /** The ring. It must have room for two frames with the largest payload. */
  ring: { min: 64 * KiB, default: 32 * MiB, max: 1 * GiB },
  /** One whole state. */
  state: { min: 0, default: 64 * GiB, max: 16 * TiB },
  /**
   * A transfer may use at most `ringPerState` times the largest state plus `ringSlack` ring bytes. This bounds the cost
   * of a sender that uses very small frames.
   */
  ringPerState: 2,
  ringSlack: 1 * GiB,
  /** A string in a record, in characters. */
  text: 256,
  /** The reason in a control block. */
  reason: 1024,
  /** The index of a statefile, in entries. */
  indexEntries: 4096,
} as const;
