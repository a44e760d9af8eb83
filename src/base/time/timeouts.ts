/**
 * Every limit on waiting, in milliseconds, in one table, so that the order between them is visible; {@link assertOrder}
 * checks it at start.
 *
 *     heartbeat 250 ms  <<  peer dead 5 s  <  disk request 15 s  <  peer absent, no progress 30 s  <  commit 5 min
 *
 * Intervals at which something is polled or retried are not here: no other limit depends on them, so each stands where
 * it is used.
 */
import { StubferryError } from '../errors/index.js';

export const TIMEOUTS = {
  // A transfer. The options of the command line replace peerDead, peerAbsent, noProgress and commit.

  /** Interval between two heartbeats of an agent. */
  heartbeat: 250,
  /** How long the peer may send no heartbeat before it counts as dead. */
  peerDead: 5_000,
  /** How long the peer may take to open the disk, and a disk or a monitor to appear. */
  peerAbsent: 30_000,
  /** How long a live peer, a QEMU or a destination may move no byte. */
  noProgress: 30_000,
  /** How long the receiver may take to make a verified state durable, or QEMU to load it. */
  commit: 300_000,
  /** How long the disk may take for one request. */
  diskRequest: 15_000,
  /**
   * How long a frame that its writer reports as complete may fail its checksum: it may still be a race with this read.
   */
  frameSettle: 1_000,
  /** How long a closing agent waits for its final status to reach the disk. */
  finalStatus: 1_000,
  /**
   * How long a receiver in the stubdom stays after its acknowledgement so that dom0 can read it. The disk stays anyway,
   * and a guest is waiting.
   */
  linger: 1_000,
  /**
   * How long a caller waits for a sink to discard its state. When a commit hangs, the discard that waits for it can
   * hang as well.
   */
  discard: 10_000,

  // QEMU and its monitor.

  /** How long the greeting may take, and how long the negotiation may take. */
  qmpNegotiation: 5_000,
  /** A command that QEMU replies to from memory. Its main loop may be busy with a disk. */
  qmpQuery: 10_000,
  /** `stop` and `cont`. `stop` waits for all disk requests of the guest; `cont` may reopen disks. */
  qmpRunState: 60_000,
  /** How long the end of the file may take after QEMU's reply. QEMU closes the file before it replies. */
  captureSettle: 2_000,
  /** How long an abandoned QEMU may take to finish or to cancel. */
  captureAbandon: 10_000,
  /** How long QEMU may take to connect after its reply to `migrate`. */
  migrationConnect: 10_000,
  /** The whole attempt to resume a guest: QEMU may still be writing a state or cancelling a migration. */
  resumeGuest: 15_000,
  /**
   * How long to wait for the final status of a loading QEMU. A QEMU that refuses a state first closes its end, then
   * exits.
   */
  loadFinalStatus: 2_000,
  /** How long QEMU's last lines may take to reach the log after QEMU has exited, through a pipe or a logger. */
  qemuLog: 100,
  /** One start of a QEMU that is probed. A QEMU without KVM on a loaded host needs seconds. */
  probe: 60_000,

  // The QMP proxy.

  /**
   * How long a new client waits for the present one to disconnect before the proxy refuses it. libxl closes a
   * connection and immediately opens the next one, four times around a save, and the proxy may see the new connection
   * first.
   */
  proxyDisconnect: 500,
  /**
   * How long a toolstack may take from a greeting or reply to its next command. libxl takes at most 0.2 s, under
   * emulation, and waits up to 10 s for the greeting and some replies.
   */
  proxyIdle: 5_000,
  /**
   * How long the save of a disconnected toolstack may take to release QEMU and its disk. It is longer than the save's
   * own limits allow, so a waiting client gets an error only if a step of the save has no limit.
   */
  proxyCleanup: 60_000,
  /** How long a client may take to read the last bytes, or the error with which it is refused. */
  proxyLastBytes: 1_000,

  // xenstore and hot-plug.

  /**
   * How long a client retries to connect. xenstored lets one client wait to be accepted (`listen(fd, 1)`); another one
   * gets EAGAIN on a non-blocking socket.
   */
  xenstoreQueue: 10_000,
  /** How long xenstored may take to reply. */
  xenstoreReply: 15_000,
  /** How long a lost connection may take to be replaced. */
  xenstoreReconnect: 30_000,
  /**
   * How long both ends of a vbd may take to connect. A stubdom takes 0.2 s, measured under emulation; one that is
   * paused takes longer.
   */
  vbdConnect: 30_000,
  /** How long the stubdom may take to release its vbd before it is removed by force. libxl allows 10 s. */
  vbdClose: 10_000,
  /** One call of losetup. One that takes longer hangs in a file or device, and blocks all requests behind it. */
  losetup: 15_000,
  /** How long to wait for the release of a detached loop device. The kernel keeps it until its last user closes it. */
  loopDetach: 2_000,

  // Agents that are processes, and the service.

  /**
   * How long the disk is still looked for after QEMU has refused the save. When the disk is found in time, the dom0
   * agent receives the reason.
   */
  refusedSave: 200,
  /** The longest time between the moments at which two agents notice that their common disk hangs. */
  bothHung: 15_000,
  /** How long the directory of a transfer disk may take to be removed. */
  directoryRemoval: 3_000,
  /** How long an agent may take from its last event to its exit. */
  agentExit: 3_000,
  /** How long an agent that is asked to end may take to release everything. */
  agentEnd: 30_000,
  /**
   * How long the kernel may take to end a killed process. A thread in a device that does not respond keeps the process.
   */
  agentDeath: 1_000,
  /** How long a client of the service may take to send its request. */
  controlRequest: 5_000,
  /** Each run of the agent while an image is built: ten times what it takes on a busy machine. */
  codeCache: 60_000,
} as const;

export type TimeoutName = keyof typeof TIMEOUTS;

/** The first must be shorter than the second, because ... */
const ORDER: readonly (readonly [shorter: TimeoutName, longer: TimeoutName, because: string])[] = [
  ['heartbeat', 'peerDead', 'a peer that lives must be heard several times before it counts as dead'],
  ['peerDead', 'diskRequest', 'a peer that cannot write must be seen to hang before its silence counts'],
  ['peerDead', 'peerAbsent', 'a peer that is restarted needs the time to appear'],
  ['frameSettle', 'peerDead', 'a damaged frame is reported as damaged, not as a dead peer'],
  ['finalStatus', 'peerDead', 'the peer must read the final status before it gives up'],
  ['linger', 'peerDead', 'a guest must not wait for a sender that died'],
  ['diskRequest', 'noProgress', 'a disk that hangs is reported as such, not as a peer without progress'],
  ['noProgress', 'commit', 'a destination may take longer for everything than for one byte'],
  ['discard', 'agentEnd', 'an agent that is asked to end must be able to discard its state'],
  ['captureSettle', 'captureAbandon', 'QEMU closes its file before it gives up'],
  ['captureAbandon', 'proxyCleanup', 'a save must end before a waiting client is refused because of it'],
  ['diskRequest', 'proxyCleanup', 'a save must end before a waiting client is refused because of it'],
  ['proxyDisconnect', 'proxyIdle', 'a client that waits is served before an idle one is disconnected'],
  ['qmpNegotiation', 'qmpQuery', 'a monitor that serves another client is reported as such'],
  ['qmpQuery', 'qmpRunState', 'QEMU replies from memory sooner than from its disks'],
  ['xenstoreReply', 'xenstoreReconnect', 'a request must fail before its connection counts as lost for good'],
  ['vbdClose', 'vbdConnect', 'libxl allows 10 s for a release'],
  ['refusedSave', 'proxyIdle', 'the toolstack must receive the reason of a refusal'],
  ['agentExit', 'agentEnd', 'an agent that has reported its end only has to exit'],
  ['agentDeath', 'agentExit', 'a killed process has nothing to release'],
];

/** @throws StubferryError INTERNAL for two limits in the wrong order */
export function assertOrder(limits: Readonly<Record<TimeoutName, number>> = TIMEOUTS): void {
  for (const [shorter, longer, because] of ORDER) {
    if (limits[shorter] < limits[longer]) continue;
    throw new StubferryError('INTERNAL', `the limit ${shorter} must be shorter than the limit ${longer}: ${because}`, {
      expected: `less than ${limits[longer]} ms`,
      found: `${limits[shorter]} ms`,
    });
  }
}
