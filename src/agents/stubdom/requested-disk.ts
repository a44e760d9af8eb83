/**
 * On Xen the stubdom's agent asks dom0 for a transfer disk, and is told which one it gets.
 *
 *     request: save NONCE  -->  (dom0 checks who asks, makes and attaches the disk)  -->  answer: attached NONCE TRANSFER DEVICE
 *                                                                                    or   answer: refused NONCE CODE SENTENCE
 *     then: a disk whose superblock names that transfer, where the answer says or under any other name
 *
 * Asking costs one write and a watch; nothing is polled until dom0 has answered. See `src/formats/protocol/request.ts` for the keys.
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
import { type Expectation, type FoundDisk, openIfReady, releaseFound } from './find-disk.js';

/** Whom to ask. */
export interface Dom0Requests {
  readonly xenstore: Pick<XenstoreClient, 'read' | 'write' | 'remove' | 'watch'>;
  /** This domain's own folder: `/local/domain/<domid>`. */
  readonly home: string;
}

/** A disk that was asked for, and the request that still stands. */
export interface RequestedDisk {
  readonly found: FoundDisk;
  /** Takes the request back: dom0 need not look at it again. Never throws. */
  withdraw(): Promise<void>;
}

type Patient = Pick<AgentContext, 'timeouts' | 'signal'>;

/**
 * @param expectation names one direction: a request is for a save or for a restore
 * @throws StubferryError REQUEST_UNANSWERED, what dom0 refuses with, DISK_ABSENT, DISK_HUNG, and errors of xenstore
 */
export async function requestDisk(
  dom0: Dom0Requests,
  expectation: Expectation,
  context: Patient,
): Promise<RequestedDisk> {
  const [direction, ...others] = expectation.directions;
  if (direction === undefined || others.length > 0)
    throw new StubferryError('USAGE', 'dom0 can be asked for a save or for a restore, not for both at once');
  const nonce = randomUUID();
  const withdraw = (): Promise<void> => dom0.xenstore.remove(`${dom0.home}/${REQUEST_KEY}`).catch(() => undefined);
  try {
    const answer = await untilAnswered(dom0, encodeDiskRequest({ direction, nonce }), nonce, context);
    if (answer.verdict === 'refused') throw refused(answer, dom0.home);
    const { transferUuid, device } = answer;
    const found = await waitForDevice(device, { ...expectation, transferUuid }, context);
    return { found, withdraw };
  } catch (error) {
    await withdraw();
    throw error;
  }
}

async function untilAnswered(
  { xenstore, home }: Dom0Requests,
  request: string,
  nonce: string,
  { timeouts, signal }: Patient,
): Promise<DiskReply> {
  const key = `${home}/${REPLY_KEY}`;
  let changed: () => void = () => undefined;
  const watch = await xenstore.watch(key, () => changed());
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unanswered(home, timeouts.absentMs)), timeouts.absentMs);
  });
  late.catch(() => undefined);
  try {
    await xenstore.write(`${home}/${REQUEST_KEY}`, request);
    for (;;) {
      const news = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const text = await xenstore.read(key);
      const answer = text === undefined ? undefined : answerTo(nonce, text, key);
      if (answer !== undefined) return answer;
      await untilAborted(signal, Promise.race([news, late]));
    }
  } finally {
    clearTimeout(timer);
    await watch.close();
  }
}

/** Undefined for the answer to an earlier request, in whatever version that was. */
function answerTo(nonce: string, text: string, where: string): DiskReply | undefined {
  if (!text.includes(nonce)) return undefined;
  const answer = decodeReply(text, where);
  return answer.nonce === nonce ? answer : undefined;
}

/**
 * The disk is attached: it comes to be seen in a moment, in general where dom0 has said.
 * @throws StubferryError DISK_ABSENT, DISK_HUNG
 */
export async function waitForDevice(hint: string, expectation: Expectation, context: Patient): Promise<FoundDisk> {
  const pace = new PollBackoff(systemClock);
  const patience = new StallTimer(systemClock);
  const { absentMs } = context.timeouts;
  for (let looks = 0; ; looks += 1) {
    const places = looks < LOOKS_AT_HINT ? [hint] : [hint, ...(await frontends())];
    for (const place of places) {
      const found = await withDiskDeadline(place, context, openIfReady(place, expectation), releaseFound).catch(notIt);
      if (found !== undefined && !(found instanceof StubferryError)) return found;
    }
    if (patience.look() > absentMs) throw notSeen(hint, expectation, absentMs);
    await pace.wait();
  }
}

/** Until then no other disk of this domain is opened: they are the guest's. */
const LOOKS_AT_HINT = 20;

/** Another transfer's disk, or no transfer disk at all. */
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

/** Block devices of this domain that come from another domain; the last one first, as dom0 gives them. */
async function frontends(): Promise<string[]> {
  const names = await readdir('/sys/block').catch(() => []);
  return names
    .filter((name) => /^xvd[a-z]+$/.test(name))
    .sort()
    .reverse()
    .map((name) => `/dev/${name}`);
}

function refused({ code, reason }: Extract<DiskReply, { verdict: 'refused' }>, where: string): StubferryError {
  return new StubferryError(errorCodeNamed(code) ?? 'REQUEST_REFUSED', `dom0 gives no transfer disk: ${reason}`, {
    where,
    ...(errorCodeNamed(code) === undefined ? { found: code } : {}),
    hint: "look at the log of dom0's agent",
  });
}

function unanswered(where: string, limit: number): StubferryError {
  return new StubferryError('REQUEST_UNANSWERED', 'dom0 does not answer the request for a transfer disk', {
    where: `${where}/${REQUEST_KEY}`,
    expected: `an answer of dom0's agent within ${limit} ms`,
    found: 'none',
    hint: "is dom0's agent running (systemctl status stubferry, or: stubferry status)?",
  });
}

function notSeen(hint: string, { transferUuid }: Expectation, limit: number): StubferryError {
  return new StubferryError('DISK_ABSENT', 'the transfer disk that dom0 has attached does not come to be seen', {
    where: hint,
    expected: `the disk of transfer ${transferUuid} within ${limit} ms`,
    found: 'no such disk among those of this domain',
    hint: 'is xen-blkfront loaded in the stubdom? see its kernel log',
  });
}
