/**
 * Requests a transfer disk from dom0. On Xen the stubdom agent writes a request to xenstore, and dom0 replies with the
 * disk that it has attached.
 *
 *     stubdom:  request  save NONCE
 *     dom0:     checks the domain that sent the request, makes and attaches the disk
 *     dom0:     answer   attached NONCE TRANSFER DEVICE     or     answer   refused NONCE CODE REASON
 *     stubdom:  opens the disk whose superblock names that transfer, at DEVICE or under another name
 *
 * A request takes one write and one watch. Nothing is polled before dom0 has replied. See
 * `src/formats/protocol/request.ts` for the keys.
 */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type ErrorCode, errorCodeNamed, StubferryError } from '../../base/errors/index.js';
import { StallTimer, systemClock } from '../../base/time/index.js';
import { untilAborted } from '../../base/time/until-aborted.js';
import {
  type DiskReply,
  decodeReply,
  encodeDiskRequest,
  REPLY_KEY,
  REQUEST_KEY,
} from '../../formats/protocol/request.js';
import { PollBackoff } from '../../transfer/ring/index.js';
import type { XenstoreClient } from '../../xen/xenstore/index.js';
import type { AgentContext } from '../agent-context.js';
import { withDiskDeadline } from '../disk-deadline.js';
import { closeDisk, type Expectation, type FoundDisk, openIfReady } from './find-disk.js';

/** How the stubdom sends requests to dom0. */
export interface Dom0Requests {
  readonly xenstore: Pick<XenstoreClient, 'read' | 'write' | 'remove' | 'watch'>;
  /** The xenstore directory of this domain: `/local/domain/<domid>`. */
  readonly home: string;
}

/** A requested disk. Its request remains in xenstore until it is withdrawn. */
export interface RequestedDisk {
  readonly found: FoundDisk;
  /** Removes the request from xenstore. It never rejects. */
  withdraw(): Promise<void>;
}

type WaitContext = Pick<AgentContext, 'timeouts' | 'signal'>;

/**
 * Requests a disk from dom0 and opens it.
 *
 * @param expectation must name exactly one direction: a request is for a save or for a restore
 * @throws StubferryError REQUEST_UNANSWERED: when dom0 does not reply in time; the code of the refusal: when dom0
 * refuses the request, or REQUEST_REFUSED for an unknown code; DISK_ABSENT, DISK_HUNG: when the attached disk does not
 * appear or does not respond; errors of xenstore
 */
export async function requestDisk(
  dom0: Dom0Requests,
  expectation: Expectation,
  context: WaitContext,
): Promise<RequestedDisk> {
  const [direction, ...others] = expectation.directions;
  if (direction === undefined || others.length > 0)
    throw new StubferryError('USAGE', 'a request to dom0 is for a save or for a restore, not for both');
  const nonce = randomUUID();
  const withdraw = (): Promise<void> => dom0.xenstore.remove(`${dom0.home}/${REQUEST_KEY}`).catch(() => undefined);
  try {
    const reply = await awaitReply(dom0, encodeDiskRequest({ direction, nonce }), nonce, context);
    if (reply.verdict === 'refused') throw refused(reply, dom0.home);
    const { transferUuid, device } = reply;
    const found = await waitForDevice(device, { ...expectation, transferUuid }, context);
    return { found, withdraw };
  } catch (error) {
    await withdraw();
    throw error;
  }
}

/** Writes the request and waits for its reply. */
async function awaitReply(
  { xenstore, home }: Dom0Requests,
  request: string,
  nonce: string,
  { timeouts, signal }: WaitContext,
): Promise<DiskReply> {
  const key = `${home}/${REPLY_KEY}`;
  let changed: () => void = () => undefined;
  const watch = await xenstore.watch(key, () => changed());
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(noReply(home, timeouts.absentMs)), timeouts.absentMs);
  });
  late.catch(() => undefined);
  try {
    await xenstore.write(`${home}/${REQUEST_KEY}`, request);
    for (;;) {
      const change = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const text = await xenstore.read(key);
      const reply = text === undefined ? undefined : replyTo(nonce, text, key);
      if (reply !== undefined) return reply;
      await untilAborted(signal, Promise.race([change, late]));
    }
  } finally {
    clearTimeout(timer);
    await watch.close();
  }
}

/** Returns undefined for the reply to an earlier request, which may have another version. */
function replyTo(nonce: string, text: string, where: string): DiskReply | undefined {
  if (!text.includes(nonce)) return undefined;
  const reply = decodeReply(text, where);
  return reply.nonce === nonce ? reply : undefined;
}

/**
 * Waits for a disk that dom0 has attached, and opens it. The disk usually appears at `hint`, the path in dom0's reply.
 * After {@link LOOKS_AT_HINT} attempts the other frontends of this domain are searched as well.
 *
 * @throws StubferryError DISK_ABSENT: when the disk does not appear in time; DISK_HUNG: when it does not respond
 */
export async function waitForDevice(hint: string, expectation: Expectation, context: WaitContext): Promise<FoundDisk> {
  const backoff = new PollBackoff(systemClock);
  const stall = new StallTimer(systemClock);
  const { absentMs } = context.timeouts;
  for (let looks = 0; ; looks += 1) {
    const paths = looks < LOOKS_AT_HINT ? [hint] : [hint, ...(await frontends())];
    for (const path of paths) {
      const found = await withDiskDeadline(path, context, openIfReady(path, expectation), closeDisk).catch(notIt);
      if (found !== undefined && !(found instanceof StubferryError)) return found;
    }
    if (stall.look() > absentMs) throw notSeen(hint, expectation, absentMs);
    await backoff.wait();
  }
}

/**
 * How many times only the hint is tried before other disks of this domain are opened. The other disks belong to the
 * guest.
 */
const LOOKS_AT_HINT = 20;

/** The errors of a disk that belongs to another transfer or is not a transfer disk. */
const NOT_IT: readonly ErrorCode[] = [
  'WRONG_TARGET',
  'WRONG_DIRECTION',
  'UNSUPPORTED_VERSION',
  'LIMIT_EXCEEDED',
  'DISK_IO',
];

function notIt(error: unknown): undefined {
  if (error instanceof StubferryError && NOT_IT.includes(error.code)) return undefined;
  throw error;
}

/** Lists the vbds of this domain, the last name first: dom0 assigns names in that order. */
async function frontends(): Promise<string[]> {
  const names = await readdir('/sys/block').catch(() => []);
  return names
    .filter((name) => /^xvd[a-z]+$/.test(name))
    .sort()
    .reverse()
    .map((name) => `/dev/${name}`);
}

function refused({ code, reason }: Extract<DiskReply, { verdict: 'refused' }>, where: string): StubferryError {
  return new StubferryError(
    errorCodeNamed(code) ?? 'REQUEST_REFUSED',
    `dom0 refused to attach a transfer disk: ${reason}`,
    {
      where,
      ...(errorCodeNamed(code) === undefined ? { found: code } : {}),
      hint: 'see the log of the stubferry service in dom0',
    },
  );
}

function noReply(where: string, limit: number): StubferryError {
  return new StubferryError('REQUEST_UNANSWERED', 'dom0 does not reply to the request for a transfer disk', {
    where: `${where}/${REQUEST_KEY}`,
    expected: `a reply within ${limit} ms`,
    found: 'none',
    hint: 'is the stubferry service running in dom0 (systemctl status stubferry, or: stubferry status)?',
  });
}

function notSeen(hint: string, { transferUuid }: Expectation, limit: number): StubferryError {
  return new StubferryError('DISK_ABSENT', 'the transfer disk that dom0 has attached does not appear', {
    where: hint,
    expected: `the disk of transfer ${transferUuid} within ${limit} ms`,
    found: 'no such disk among the disks of this domain',
    hint: 'is xen-blkfront loaded in the stubdom? see its kernel log',
  });
}
