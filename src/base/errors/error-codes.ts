/**
 * All errors of stubferry. Each has one number. The number is the exit status of a command that fails with the error.
 * An agent writes the same number into its control block to report to its peer why it aborts.
 *
 *   1, 2      the program and its command line
 *   10 .. 19  the input state
 *   20 .. 29  the transfer disk
 *   30 .. 39  the protocol on the disk, and the peer
 *   40 .. 49  the destination
 *   50 .. 59  the processes around a transfer, and the stubdom image
 *   60 .. 69  QEMU and its monitor
 *   70 .. 79  xenstore
 *   80 .. 84  the comparison of states, and the check whether a QEMU can load a state
 *   85 .. 89  the decompression of an input, and the search for a part of it
 *   90 .. 99  the stubferry service in dom0, and its host
 *
 * A number never changes and is never reused, because transfer disks and users' scripts contain it.
 */
export const ERROR_CODES = {
  INTERNAL: { status: 1, means: 'an internal error of stubferry' },
  USAGE: { status: 2, means: 'the command line is not valid' },

  INPUT_UNREADABLE: { status: 10, means: 'the input state cannot be opened or read' },
  NOT_A_STATE: { status: 11, means: 'the input is not a statefile, a QEMU state or a transfer disk' },
  TRUNCATED: { status: 12, means: 'the input ends before its end mark' },
  CORRUPT: { status: 13, means: 'the input is damaged: a checksum, length or order is wrong' },
  UNSUPPORTED_VERSION: { status: 14, means: 'this version of stubferry does not support the format version' },
  UNKNOWN_RECORD: { status: 15, means: 'the input contains a mandatory record of an unknown type' },
  LIMIT_EXCEEDED: { status: 16, means: 'a size exceeds a limit' },
  UNVERIFIABLE: {
    status: 17,
    means: 'parts of the state on the transfer disk were overwritten, so it cannot be verified',
  },
  DIGEST_MISMATCH: {
    status: 18,
    means: 'the state was received completely, but its digests differ from those of the sender',
  },
  REPLAY_DIFFERS: { status: 19, means: 'the output of a replay differs from its input' },

  DISK_ABSENT: { status: 20, means: 'the transfer disk did not appear in time' },
  DISK_LOCKED: { status: 21, means: 'another agent uses the transfer disk' },
  NOT_A_TRANSFER_DISK: { status: 22, means: 'the disk has no valid superblock' },
  DISK_EXISTS: { status: 23, means: 'the transfer disk to create already exists' },
  WRONG_TARGET: { status: 24, means: 'the transfer disk belongs to another target' },
  WRONG_DIRECTION: { status: 25, means: 'the transfer disk is for the other direction' },
  DISK_IO: { status: 26, means: 'reading or writing the transfer disk failed' },
  DISK_HUNG: { status: 27, means: 'the transfer disk does not respond' },
  DISK_NO_SPACE: { status: 28, means: 'not enough space to create the transfer disk' },
  DISK_INCOHERENT: { status: 29, means: 'the two sides would not see the same bytes of the transfer disk' },

  TORN: { status: 30, means: 'a frame was announced, but its payload never became complete' },
  FRAME_CORRUPT: { status: 31, means: 'a frame on the disk is damaged' },
  STALE_EPOCH: { status: 32, means: 'the data on the transfer disk belongs to an earlier agent' },
  MISDIRECTED: { status: 33, means: 'a frame was written for another position' },
  PROTOCOL_VIOLATION: { status: 34, means: 'the peer violates the protocol' },
  PEER_ABSENT: { status: 35, means: 'the other agent did not start in time' },
  PEER_DEAD: { status: 36, means: 'the other agent stopped sending heartbeats' },
  PEER_RESTARTED: { status: 37, means: 'the other agent was restarted during the transfer' },
  PEER_ABORTED: { status: 38, means: 'the other agent aborted and reported a reason' },
  NO_PROGRESS: { status: 39, means: 'the other agent is alive, but the transfer makes no progress' },

  DESTINATION_EXISTS: { status: 40, means: 'the destination already exists' },
  DESTINATION_FULL: { status: 41, means: 'not enough space at the destination' },
  DESTINATION_UNWRITABLE: { status: 42, means: 'the destination cannot be created or opened' },
  DESTINATION_IO: { status: 43, means: 'writing the destination failed' },
  DESTINATION_GONE: { status: 44, means: 'the reader of the destination closed it' },

  AGENT_DIED: { status: 50, means: 'an agent exited without reporting a reason' },
  ATTACH_FAILED: { status: 51, means: 'the transfer disk could not be attached to the stubdom' },
  TOOL_MISSING: { status: 53, means: 'a required program is not installed' },
  TOOL_FAILED: { status: 54, means: 'an external program failed' },
  PACKAGE_MISSING: { status: 55, means: 'no available package contains a file of the stubdom image' },
  UNFIT_PARTS: { status: 56, means: 'the parts of the stubdom image are not compatible with each other' },
  NOT_AN_IMAGE: { status: 57, means: 'the file is not a stubdom image' },

  QMP_UNREACHABLE: { status: 60, means: "stubferry cannot connect to QEMU's monitor" },
  QMP_PROTOCOL: { status: 61, means: 'the server is not a QMP monitor or violates the QMP protocol' },
  QMP_TIMEOUT: { status: 62, means: 'QEMU did not reply or write in time' },
  QEMU_GONE: { status: 63, means: 'QEMU exited during the operation' },
  QEMU_REFUSED: { status: 64, means: 'QEMU replied with an error' },
  QEMU_UNSUITED: { status: 65, means: 'QEMU is not in a condition to save or load a state' },
  CAPTURE_LOST: { status: 66, means: 'QEMU reports a completed save, but the state did not arrive' },
  LOAD_FAILED: { status: 67, means: 'QEMU did not load the state' },
  PROXY_UNUSABLE: { status: 68, means: 'the socket of the QMP proxy cannot be created' },

  XENSTORE_UNREACHABLE: { status: 70, means: 'stubferry cannot connect to xenstore' },
  XENSTORE_PROTOCOL: { status: 71, means: 'the server is not xenstored or violates the xenstore protocol' },
  XENSTORE_TIMEOUT: { status: 72, means: 'xenstored did not reply in time' },
  XENSTORE_GONE: { status: 73, means: 'the connection to xenstore was lost' },
  XENSTORE_REFUSED: { status: 74, means: 'xenstored replied with an error' },
  XENSTORE_CONFLICT: { status: 75, means: 'every attempt of a xenstore transaction conflicted with other changes' },
  XENSTORE_INVALID: { status: 76, means: 'a path, value or domid is not valid in xenstore' },

  STATES_DIFFER: { status: 80, means: 'the two states differ' },
  WOULD_NOT_LOAD: {
    status: 81,
    means: 'the destination would not load the state, or some of its devices would get no state',
  },
  NOT_A_DESTINATION: {
    status: 82,
    means: 'the destination of a check is not a QEMU, a -dump-vmstate file or a state',
  },
  PROBE_FAILED: { status: 83, means: 'stubferry cannot determine what the destination QEMU can load' },
  UNPACKER_ABSENT: { status: 85, means: 'the program that decompresses the input is not installed' },
  NOT_IN_INPUT: { status: 86, means: 'the input is complete, but does not contain the requested part' },

  SERVICE_UNREACHABLE: { status: 90, means: 'the stubferry service does not run or does not reply' },
  SERVICE_RUNNING: { status: 91, means: 'another stubferry service uses the same directory' },
  REQUEST_UNANSWERED: { status: 92, means: 'the stubferry service did not reply to a disk request' },
  REQUEST_REFUSED: { status: 93, means: 'the stubferry service refused a disk request' },
  NOT_A_DEVICE_MODEL: { status: 94, means: 'a domain that is not the device model of a target requested a disk' },
  TOO_BUSY: { status: 95, means: 'the stubferry service already runs as many transfers as it allows' },
  TRANSFER_EXPIRED: { status: 96, means: 'the transfer exceeded its total time limit' },
  NO_SUCH_TRANSFER: { status: 97, means: 'the stubferry service has no such transfer' },
  SERVICE_RESTARTED: { status: 98, means: 'the stubferry service was restarted during the transfer' },
  HOST_UNREADY: { status: 99, means: 'the host lacks something that stubferry needs' },

  CANCELLED: { status: 130, means: 'stopped by a signal' },
} as const satisfies Record<string, { readonly status: number; readonly means: string }>;

/** The name of an error. */
export type ErrorCode = keyof typeof ERROR_CODES;

const byStatus = new Map<number, ErrorCode>(
  Object.entries(ERROR_CODES).map(([code, { status }]) => [status, code as ErrorCode]),
);

/** Returns the code with this name, or undefined if this version does not know it. */
export function errorCodeNamed(name: string): ErrorCode | undefined {
  return Object.hasOwn(ERROR_CODES, name) ? (name as ErrorCode) : undefined;
}

/** Returns the code of a number on a transfer disk, or undefined if this version does not know it. */
export function errorCodeOf(status: number): ErrorCode | undefined {
  return byStatus.get(status);
}
