/**
 * How a transfer starts on Xen: a stubdom asks, dom0 answers, each in one key of the stubdom's own xenstore folder.
 *
 *     /local/domain/<stubdom>/data/stubferry/request     stubferry/1 save NONCE
 *     /local/domain/<stubdom>/data/stubferry/answer      stubferry/1 attached NONCE TRANSFER DEVICE
 *                                                        stubferry/1 refused NONCE CODE SENTENCE
 *     /local/domain/<stubdom>/data/stubferry/offer       stubferry/1 offered TRANSFER DEVICE
 *
 * Words are parted by one space; NONCE and TRANSFER are UUIDs. The nonce tells a request from those before it, and its answer from
 * theirs: a stubdom's agent that was restarted asks with a new one. An offer is made unasked, of a disk for a save that is to come, and
 * stands as long as the disk does. The number behind `stubferry/` is the version of both keys. What
 * the stubdom writes may be anything; it is bounded before it is looked at.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import type { Direction } from './superblock.js';
import { isUuid } from './uuid.js';

/** Below a domain's own folder; the stubdom can write there, and create it. */
export const REQUEST_KEY = 'data/stubferry/request';
export const REPLY_KEY = 'data/stubferry/answer';
export const PRE_ATTACHED_KEY = 'data/stubferry/offer';

const VERSION = 1;
const PROTOCOL = `stubferry/${VERSION}`;

/** Bytes of either key: a sentence for people, and no more. */
const LONGEST = 1024;

/** A stubdom wants a transfer. */
export interface Request {
  readonly direction: Direction;
  readonly nonce: string;
}

/** What dom0 says to it. */
export type DiskReply =
  | {
      readonly verdict: 'attached';
      readonly nonce: string;
      readonly transferUuid: string;
      /** Where the disk should come to be seen; it is recognised by its superblock all the same. */
      readonly device: string;
    }
  | {
      readonly verdict: 'refused';
      readonly nonce: string;
      /** A name from the table of errors; a stubdom of another version may not know it. */
      readonly code: string;
      readonly reason: string;
    };

export function encodeDiskRequest({ direction, nonce }: Request): string {
  return `${PROTOCOL} ${direction} ${nonce}`;
}

/** @throws StubferryError UNSUPPORTED_VERSION, LIMIT_EXCEEDED, PROTOCOL_VIOLATION */
export function decodeDiskRequest(text: string, where: string): Request {
  const [direction, nonce, ...more] = wordsOf(text, where);
  const known = direction === 'save' || direction === 'restore';
  if (!known || nonce === undefined || !isUuid(nonce) || more.length > 0)
    throw malformed(text, where, 'save|restore NONCE');
  return { direction, nonce: nonce.toLowerCase() };
}

/** The nonce of a request that is not understood otherwise, of another version say: so that it can be answered. */
export function nonceOf(text: string): string | undefined {
  const nonce = text.slice(0, LONGEST).split(' ')[2];
  return nonce !== undefined && isUuid(nonce) ? nonce.toLowerCase() : undefined;
}

export function encodeReply(answer: DiskReply): string {
  const { verdict, nonce } = answer;
  if (verdict === 'attached') return `${PROTOCOL} attached ${nonce} ${answer.transferUuid} ${answer.device}`;
  const front = `${PROTOCOL} refused ${nonce} ${answer.code} `;
  const reason = printable(answer.reason, LONGEST / 4);
  // A character that is cut becomes another one, of up to three bytes.
  return (
    front +
    Buffer.from(reason)
      .subarray(0, LONGEST - front.length - 3)
      .toString('utf8')
  );
}

/** @throws StubferryError UNSUPPORTED_VERSION, LIMIT_EXCEEDED, PROTOCOL_VIOLATION */
export function decodeReply(text: string, where: string): DiskReply {
  const [verdict, nonce, third, ...rest] = wordsOf(text, where);
  if (nonce !== undefined && isUuid(nonce) && third !== undefined) {
    const last = rest.join(' ');
    if (verdict === 'attached' && isUuid(third) && last.startsWith('/'))
      return { verdict, nonce: nonce.toLowerCase(), transferUuid: third.toLowerCase(), device: last };
    if (verdict === 'refused')
      return { verdict, nonce: nonce.toLowerCase(), code: printable(third), reason: printable(last) };
  }
  throw malformed(text, where, 'attached NONCE TRANSFER DEVICE, or refused NONCE CODE SENTENCE');
}

/** A disk that is there for the next save. */
export interface PreAttachment {
  readonly transferUuid: string;
  readonly device: string;
}

export function encodePreAttachment({ transferUuid, device }: PreAttachment): string {
  return `${PROTOCOL} offered ${transferUuid} ${device}`;
}

/** @throws StubferryError UNSUPPORTED_VERSION, LIMIT_EXCEEDED, PROTOCOL_VIOLATION */
export function decodePreAttachment(text: string, where: string): PreAttachment {
  const [verb, transferUuid, ...rest] = wordsOf(text, where);
  const device = rest.join(' ');
  if (verb === 'offered' && transferUuid !== undefined && isUuid(transferUuid) && device.startsWith('/'))
    return { transferUuid: transferUuid.toLowerCase(), device };
  throw malformed(text, where, 'offered TRANSFER DEVICE');
}

/** The words behind the protocol's name. */
function wordsOf(text: string, where: string): string[] {
  if (Buffer.byteLength(text) > LONGEST) {
    throw new StubferryError('LIMIT_EXCEEDED', 'the text in xenstore is too long', {
      where,
      expected: `at most ${LONGEST} bytes`,
      found: `${Buffer.byteLength(text)} bytes`,
    });
  }
  const [protocol, ...words] = text.split(' ');
  if (protocol === PROTOCOL) return words;
  if (protocol?.startsWith('stubferry/') === true) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'dom0 and the stubdom speak different versions of stubferry', {
      where,
      expected: PROTOCOL,
      found: printable(protocol, 32),
      hint: 'build the stubdom image anew with the stubferry that dom0 has',
    });
  }
  throw malformed(text, where, `${PROTOCOL} ...`);
}

function malformed(text: string, where: string, expected: string): StubferryError {
  return new StubferryError('PROTOCOL_VIOLATION', 'this is no request and no answer of stubferry', {
    where,
    expected,
    found: JSON.stringify(printable(text, 64)),
  });
}
