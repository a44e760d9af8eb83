/**
 * Every way stubferry can fail, each with one number. The number is the exit status of the command, and the
 * same number travels in a control block when one agent tells the other why it gave up: one table to learn.
 *
 *   1, 2      the program itself, the command line
 *   10 .. 19  the state that was given
 *   20 .. 29  the transfer disk
 *   30 .. 39  the protocol on the disk, and the peer
 *   40 .. 49  the destination
 *   50 .. 59  the processes around a transfer
 *   60 .. 69  QEMU and its monitor
 *   80 .. 84  states compared with each other, and with what a QEMU can load
 *   85 .. 89  what is looked for in a container, and what it takes to unpack it
 *
 * Numbers are never reused or changed: they are on disks and in people's scripts.
 */
export const ERROR_CODES = {
  INTERNAL: { status: 1, means: 'a fault in stubferry itself' },
  USAGE: { status: 2, means: 'the command line is not understood' },

  INPUT_UNREADABLE: { status: 10, means: 'the state to read cannot be opened or read' },
  NOT_A_STATE: { status: 11, means: 'the input is no statefile, QEMU state or transfer disk' },
  TRUNCATED: { status: 12, means: 'the input ends before its end mark' },
  CORRUPT: { status: 13, means: 'the input is damaged: a checksum, length or order is wrong' },
  UNSUPPORTED_VERSION: { status: 14, means: 'written by a version of the format that this one cannot read' },
  UNKNOWN_RECORD: { status: 15, means: 'holds a mandatory record that this version does not know' },
  LIMIT_EXCEEDED: { status: 16, means: 'larger than a limit that is in force' },
  UNVERIFIABLE: { status: 17, means: 'parts of it were overwritten, so it cannot be verified' },
  DIGEST_MISMATCH: { status: 18, means: 'all arrived, but not with the digests that the sender computed' },
  REPLAY_DIFFERS: { status: 19, means: 'a replayed state did not come out as it went in' },

  DISK_ABSENT: { status: 20, means: 'the transfer disk did not appear in time' },
  DISK_LOCKED: { status: 21, means: 'another agent is at work on the transfer disk' },
  NOT_A_TRANSFER_DISK: { status: 22, means: 'the disk has no valid superblock' },
  DISK_EXISTS: { status: 23, means: 'the transfer disk to create is already there' },
  WRONG_TARGET: { status: 24, means: "the transfer disk is another target's" },
  WRONG_DIRECTION: { status: 25, means: 'the transfer disk is for the other direction' },
  DISK_IO: { status: 26, means: 'reading or writing the transfer disk failed' },
  DISK_HUNG: { status: 27, means: 'the transfer disk does not answer' },
  DISK_NO_SPACE: { status: 28, means: 'no room to create the transfer disk' },
  DISK_INCOHERENT: { status: 29, means: 'the two sides would not see the same bytes of the transfer disk' },

  TORN: { status: 30, means: 'a frame was announced, but its payload never became complete' },
  FRAME_CORRUPT: { status: 31, means: 'a frame on the disk is damaged' },
  STALE_EPOCH: { status: 32, means: 'only frames of an earlier agent are on the disk' },
  MISDIRECTED: { status: 33, means: 'a frame stands at a place that it was not written for' },
  PROTOCOL_VIOLATION: { status: 34, means: 'the peer does what the protocol forbids' },
  PEER_ABSENT: { status: 35, means: 'the other agent never came' },
  PEER_DEAD: { status: 36, means: 'the other agent stopped: no heartbeat' },
  PEER_RESTARTED: { status: 37, means: 'the other agent was restarted in the middle' },
  PEER_ABORTED: { status: 38, means: 'the other agent gave up, and said why' },
  NO_PROGRESS: { status: 39, means: 'the other agent is alive, but nothing moves' },

  DESTINATION_EXISTS: { status: 40, means: 'the destination exists already' },
  DESTINATION_FULL: { status: 41, means: 'no room at the destination' },
  DESTINATION_UNWRITABLE: { status: 42, means: 'the destination cannot be created or opened' },
  DESTINATION_IO: { status: 43, means: 'writing the destination failed' },
  DESTINATION_GONE: { status: 44, means: 'whoever read the destination closed it' },

  AGENT_DIED: { status: 50, means: 'an agent ended without saying why' },
  QMP_UNREACHABLE: { status: 60, means: "QEMU's monitor cannot be connected to" },
  QMP_PROTOCOL: { status: 61, means: "what answers is no QMP monitor, or breaks QMP's rules" },
  QMP_TIMEOUT: { status: 62, means: 'QEMU did not answer, or did not write, in time' },
  QEMU_GONE: { status: 63, means: 'QEMU ended in the middle' },
  QEMU_REFUSED: { status: 64, means: 'QEMU answered with an error' },
  QEMU_UNSUITED: { status: 65, means: 'QEMU is in no state to save or to load' },
  CAPTURE_LOST: { status: 66, means: 'QEMU says that it has saved, but the state did not come' },
  LOAD_FAILED: { status: 67, means: 'QEMU did not load the state' },
  GATE_UNUSABLE: { status: 68, means: "the gate's socket cannot be made" },

  STATES_DIFFER: { status: 80, means: 'the two states differ' },
  WOULD_NOT_LOAD: { status: 81, means: 'the state would not load there, or devices would be left without their state' },
  NOT_A_DESTINATION: {
    status: 82,
    means: 'what the state is checked against is no QEMU, no -dump-vmstate and no state',
  },
  PROBE_FAILED: { status: 83, means: 'the QEMU to check against cannot be asked what it can load' },

  UNPACKER_ABSENT: { status: 85, means: 'the program that unpacks the input is not installed' },
  NOT_IN_INPUT: { status: 86, means: 'the input is whole, but what was asked for is not in it' },

  CANCELLED: { status: 130, means: 'stopped by a signal' },
} as const satisfies Record<string, { readonly status: number; readonly means: string }>;

/** The name of a way to fail. */
export type ErrorCode = keyof typeof ERROR_CODES;

const byStatus = new Map<number, ErrorCode>(
  Object.entries(ERROR_CODES).map(([code, { status }]) => [status, code as ErrorCode]),
);

/** The code that a number on a transfer disk stands for; undefined for numbers this version does not know. */
export function errorCodeOf(status: number): ErrorCode | undefined {
  return byStatus.get(status);
}
