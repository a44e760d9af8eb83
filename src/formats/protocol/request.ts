/**
 * A transfer on Xen starts with a request of the stubdom and a reply of dom0. Each message is the value of one key in
 * the stubdom's own xenstore directory.
 *
 *     /local/domain/<stubdom>/data/stubferry/request     stubferry/1 save NONCE
 *     /local/domain/<stubdom>/data/stubferry/answer      stubferry/1 attached NONCE TRANSFER DEVICE
 *                                                        stubferry/1 refused NONCE CODE REASON
 *     /local/domain/<stubdom>/data/stubferry/offer       stubferry/1 offered TRANSFER DEVICE
 *
 * One space separates the fields. NONCE and TRANSFER are UUIDs. The nonce identifies a request and its reply, and
 * distinguishes them from earlier ones: a restarted stubdom agent sends its request with a new nonce. The number after
 * `stubferry/` is the version of the messages in all keys.
 *
 * The `offer` key announces a pre-attached disk for a future save. dom0 writes it without a request, and it remains as
 * long as the disk exists.
 *
 * The stubdom can write any value. dom0 checks the length of a value before it parses the value.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import type { Direction } from './superblock.js';
import { isUuid } from './uuid.js';

/** The key of a request, below the domain's own directory. The stubdom can create and write keys below `data`. */
export const REQUEST_KEY = 'data/stubferry/request';
/** The key of a reply, below the domain's own directory. */
export const REPLY_KEY = 'data/stubferry/answer';
/** The key that announces a pre-attached disk, below the domain's own directory. */
export const PRE_ATTACHED_KEY = 'data/stubferry/offer';

const VERSION = 1;
const PROTOCOL = `stubferry/${VERSION}`;

/** The maximum length of each value, in bytes. It leaves room for a reason of a few sentences. */
const MAX_BYTES = 1024;

/** A request of a stubdom for the disk of a transfer. */
export interface Request {
  readonly direction: Direction;
  readonly nonce: string;
}

/** The reply of dom0 to a request. */
export type DiskReply =
  | {
      readonly verdict: 'attached';
      readonly nonce: string;
      readonly transferUuid: string;
      /** The path at which the disk should appear in the stubdom. The stubdom still identifies it by its superblock. */
      readonly device: string;
    }
  | {
      readonly verdict: 'refused';
      readonly nonce: string;
      /** The name of an error code. A stubdom with another version of stubferry may not know it. */
      readonly code: string;
      readonly reason: string;
    };

/** Encodes a request as the value of {@link REQUEST_KEY}. */
export function encodeDiskRequest({ direction, nonce }: Request): string {
  return `${PROTOCOL} ${direction} ${nonce}`;
}

/**
 * Decodes a request.
 *
 * @throws StubferryError LIMIT_EXCEEDED: when the value is too long; UNSUPPORTED_VERSION: when it has another protocol
 * version; PROTOCOL_VIOLATION: when it is not a request
 */
export function decodeDiskRequest(text: string, where: string): Request {
  const [direction, nonce, ...more] = fieldsOf(text, where);
  const known = direction === 'save' || direction === 'restore';
  if (!known || nonce === undefined || !isUuid(nonce) || more.length > 0)
    throw malformed(text, where, 'save|restore NONCE');
  return { direction, nonce: nonce.toLowerCase() };
}

/**
 * Returns the nonce of a request that {@link decodeDiskRequest} rejects, for example because of its version, so that
 * dom0 can still reply to it.
 */
export function nonceOf(text: string): string | undefined {
  const nonce = text.slice(0, MAX_BYTES).split(' ')[2];
  return nonce !== undefined && isUuid(nonce) ? nonce.toLowerCase() : undefined;
}

/** Encodes a reply as the value of {@link REPLY_KEY}. The reason of a refusal is truncated to the available length. */
export function encodeReply(reply: DiskReply): string {
  const { verdict, nonce } = reply;
  if (verdict === 'attached') return `${PROTOCOL} attached ${nonce} ${reply.transferUuid} ${reply.device}`;
  const front = `${PROTOCOL} refused ${nonce} ${reply.code} `;
  const reason = printable(reply.reason, MAX_BYTES / 4);
  // The decoder replaces a truncated character by a replacement character of up to three bytes.
  return (
    front +
    Buffer.from(reason)
      .subarray(0, MAX_BYTES - front.length - 3)
      .toString('utf8')
  );
}

/**
 * Decodes a reply.
 *
 * @throws StubferryError LIMIT_EXCEEDED: when the value is too long; UNSUPPORTED_VERSION: when it has another protocol
 * version; PROTOCOL_VIOLATION: when it is not a reply
 */
export function decodeReply(text: string, where: string): DiskReply {
  const [verdict, nonce, third, ...rest] = fieldsOf(text, where);
  if (nonce !== undefined && isUuid(nonce) && third !== undefined) {
    const last = rest.join(' ');
    if (verdict === 'attached' && isUuid(third) && last.startsWith('/'))
      return { verdict, nonce: nonce.toLowerCase(), transferUuid: third.toLowerCase(), device: last };
    if (verdict === 'refused')
      return { verdict, nonce: nonce.toLowerCase(), code: printable(third), reason: printable(last) };
  }
  throw malformed(text, where, 'attached NONCE TRANSFER DEVICE, or refused NONCE CODE REASON');
}

/** A pre-attached disk, which is available for the next save. */
export interface PreAttachment {
  readonly transferUuid: string;
  readonly device: string;
}

/** Encodes the announcement of a pre-attached disk as the value of {@link PRE_ATTACHED_KEY}. */
export function encodePreAttachment({ transferUuid, device }: PreAttachment): string {
  return `${PROTOCOL} offered ${transferUuid} ${device}`;
}

/**
 * Decodes the announcement of a pre-attached disk.
 *
 * @throws StubferryError LIMIT_EXCEEDED: when the value is too long; UNSUPPORTED_VERSION: when it has another protocol
 * version; PROTOCOL_VIOLATION: when it is not such an announcement
 */
export function decodePreAttachment(text: string, where: string): PreAttachment {
  const [verb, transferUuid, ...rest] = fieldsOf(text, where);
  const device = rest.join(' ');
  if (verb === 'offered' && transferUuid !== undefined && isUuid(transferUuid) && device.startsWith('/'))
    return { transferUuid: transferUuid.toLowerCase(), device };
  throw malformed(text, where, 'offered TRANSFER DEVICE');
}

/** Returns the fields after the protocol name. */
function fieldsOf(text: string, where: string): string[] {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new StubferryError('LIMIT_EXCEEDED', 'the value in xenstore is too long', {
      where,
      expected: `at most ${MAX_BYTES} bytes`,
      found: `${Buffer.byteLength(text)} bytes`,
    });
  }
  const [protocol, ...fields] = text.split(' ');
  if (protocol === PROTOCOL) return fields;
  if (protocol?.startsWith('stubferry/') === true) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'dom0 and the stubdom use different protocol versions', {
      where,
      expected: PROTOCOL,
      found: printable(protocol, 32),
      hint: 'rebuild the stubdom image with the stubferry version of dom0',
    });
  }
  throw malformed(text, where, `${PROTOCOL} ...`);
}

function malformed(text: string, where: string, expected: string): StubferryError {
  return new StubferryError('PROTOCOL_VIOLATION', 'the value in xenstore is not a valid stubferry message', {
    where,
    expected,
    found: JSON.stringify(printable(text, 64)),
  });
}
