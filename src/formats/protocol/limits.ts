/**
 * The limits of the format. What a disk or file declares is checked against these before anything is
 * allocated; a user can ask for less, never for more.
 */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;

export const LIMITS = {
  /** Payload bytes of one frame. */
  payload: { min: 4 * KiB, default: 1 * MiB, max: 8 * MiB },
  /** Bytes of the ring. The ring must hold two frames of the largest payload. */
  ring: { min: 64 * KiB, default: 32 * MiB, max: 1 * GiB },
  /** Bytes of one whole state. */
  state: { min: 0, default: 64 * GiB, max: 16 * TiB },
  /** Ring bytes that a state may take: so many for each of the largest state, and so many more. Bounds what crumbs cost. */
  ringPerState: 2,
  ringSlack: 1 * GiB,
  /** Characters of a string in a record. */
  text: 256,
  /** Bytes of the reason in a control block. */
  reason: 1024,
  /** Entries of the index of a statefile. */
  indexEntries: 4096,
} as const;
