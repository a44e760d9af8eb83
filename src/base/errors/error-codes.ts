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
 *   70 .. 79  xenstore
 *   80 .. 84  states compared with each other, and with what a QEMU can load
 *   85 .. 89  what is looked for in a container, and what it takes to unpack it
 *   90 .. 99  dom0's agent as a service
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
  STALE_EPOCH: { status: 32, means: 'what is on the disk belongs to an earlier agent' },
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
  ATTACH_FAILED: { status: 51, means: 'the transfer disk did not come to the stubdom' },
  TOOL_MISSING: { status: 53, means: 'a program that is needed is not installed' },
  TOOL_FAILED: { status: 54, means: 'a program that was run failed' },
  PACKAGE_MISSING: { status: 55, means: 'a file of the stubdom image is in no package at hand' },
  UNFIT_PARTS: { status: 56, means: 'the parts of the stubdom image do not fit together' },
  NOT_AN_IMAGE: { status: 57, means: 'the file is no image of a stubdom' },

  QMP_UNREACHABLE: { status: 60, means: "QEMU's monitor cannot be connected to" },
  QMP_PROTOCOL: { status: 61, means: "what answers is no QMP monitor, or breaks QMP's rules" },
  QMP_TIMEOUT: { status: 62, means: 'QEMU did not answer, or did not write, in time' },
  QEMU_GONE: { status: 63, means: 'QEMU ended in the middle' },
  QEMU_REFUSED: { status: 64, means: 'QEMU answered with an error' },
  QEMU_UNSUITED: { status: 65, means: 'QEMU is in no state to save or to load' },
  CAPTURE_LOST: { status: 66, means: 'QEMU says that it has saved, but the state did not come' },
  LOAD_FAILED: { status: 67, means: 'QEMU did not load the state' },
  GATE_UNUSABLE: { status: 68, means: "the proxy's socket cannot be made" },

  XENSTORE_UNREACHABLE: { status: 70, means: 'xenstore cannot be connected to' },
  XENSTORE_PROTOCOL: { status: 71, means: "what answers is no xenstored, or breaks the protocol's rules" },
  XENSTORE_TIMEOUT: { status: 72, means: 'xenstored did not answer in time' },
  XENSTORE_GONE: { status: 73, means: 'the connection to xenstore was lost' },
  XENSTORE_REFUSED: { status: 74, means: 'xenstored answered with an error' },
  XENSTORE_CONFLICT: { status: 75, means: 'others changed the same of xenstore each time' },
  XENSTORE_INVALID: { status: 76, means: 'a path, value or domid that xenstore does not hold' },

  STATES_DIFFER: { status: 80, means: 'the two states differ' },
  WOULD_NOT_LOAD: { status: 81, means: 'the state would not load there, or devices would be left without their state' },
  NOT_A_DESTINATION: {
    status: 82,
    means: 'what the state is checked against is no QEMU, no -dump-vmstate and no state',
  },
  PROBE_FAILED: { status: 83, means: 'the QEMU to check against cannot be asked what it can load' },
  UNPACKER_ABSENT: { status: 85, means: 'the program that unpacks the input is not installed' },
  NOT_IN_INPUT: { status: 86, means: 'the input is whole, but what was asked for is not in it' },

  SERVICE_UNREACHABLE: { status: 90, means: "dom0's agent does not run, or does not answer" },
  SERVICE_RUNNING: { status: 91, means: "another dom0's agent is at work in the same folder" },
  REQUEST_UNANSWERED: { status: 92, means: "dom0's agent did not answer a request for a disk" },
  REQUEST_REFUSED: { status: 93, means: "dom0's agent gives no disk" },
  NOT_A_DEVICE_MODEL: { status: 94, means: "a domain asks for a disk that is no target's device model" },
  TOO_BUSY: { status: 95, means: "more transfers than dom0's agent allows" },
  TRANSFER_EXPIRED: { status: 96, means: 'the transfer took longer than is allowed as a whole' },
  NO_SUCH_TRANSFER: { status: 97, means: "dom0's agent has no such transfer" },
  SERVICE_RESTARTED: { status: 98, means: "dom0's agent was restarted in the middle" },
  HOST_UNREADY: { status: 99, means: 'the host lacks something that stubferry needs' },

  CANCELLED: { status: 130, means: 'stopped by a signal' },
} as const satisfies Record<string, { readonly status: number; readonly means: string }>;

/** The name of a way to fail. */
export type ErrorCode = keyof typeof ERROR_CODES;

const byStatus = new Map<number, ErrorCode>(
  Object.entries(ERROR_CODES).map(([code, { status }]) => [status, code as ErrorCode]),
);

/** The code of that name; undefined for one that this version does not know. */
export function errorCodeNamed(name: string): ErrorCode | undefined {
  return Object.hasOwn(ERROR_CODES, name) ? (name as ErrorCode) : undefined;
}

/** The code that a number on a transfer disk stands for; undefined for numbers this version does not know. */
export function errorCodeOf(status: number): ErrorCode | undefined {
  return byStatus.get(status);
}
