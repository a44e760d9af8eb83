/**
 * A message of xenstore, in either direction.
 *
 *     0       4            8           12        16               16 + length
 *     +-------+------------+-----------+---------+----------------+
 *     | type  | request id | tx id     | length  | payload        |    each a u32 in the byte order of the machine,
 *     +-------+------------+-----------+---------+----------------+    which is little-endian wherever Xen runs
 *
 * A reply has the type and both ids of its request, or the type ERROR and the ids. A WATCH_EVENT belongs to no request,
 * and its ids have no meaning: Linux' /dev/xen/xenbus does not even set them.
 *
 * Source: xen/include/public/io/xs_wire.h, docs/misc/xenstore.txt.
 */
import { StubferryError } from '../../../base/errors/index.js';

/** The message types that stubferry uses: XS_* of xs_wire.h. */
export const MESSAGE_TYPES = {
  DIRECTORY: 1,
  READ: 2,
  GET_PERMS: 3,
  WATCH: 4,
  UNWATCH: 5,
  TRANSACTION_START: 6,
  TRANSACTION_END: 7,
  GET_DOMAIN_PATH: 10,
  WRITE: 11,
  MKDIR: 12,
  RM: 13,
  SET_PERMS: 14,
  WATCH_EVENT: 15,
  ERROR: 16,
  IS_DOMAIN_INTRODUCED: 17,
  DIRECTORY_PART: 22,
} as const;

/** Name of a message type. */
export type MessageType = keyof typeof MESSAGE_TYPES;

/** Types of messages that a client sends. */
export type RequestType = Exclude<MessageType, 'WATCH_EVENT' | 'ERROR'>;

/** A decoded message. */
export interface Message {
  readonly type: MessageType;
  readonly requestId: number;
  /** 0 outside of a transaction. */
  readonly transactionId: number;
  readonly payload: Uint8Array;
}

/** Length of the header, in bytes. */
export const HEADER_LENGTH = 16;

/** Largest payload, in bytes: XENSTORE_PAYLOAD_MAX. xenstored closes a connection that sends a larger one. */
export const PAYLOAD_MAX = 4096;

const typeOf = new Map<number, MessageType>(
  Object.entries(MESSAGE_TYPES).map(([name, number]) => [number, name as MessageType]),
);

/**
 * Encodes a message.
 * @param message its payload must not exceed the limit of the transport
 */
export function encodeMessage({ type, requestId, transactionId, payload }: Message): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MESSAGE_TYPES[type], true);
  view.setUint32(4, requestId, true);
  view.setUint32(8, transactionId, true);
  view.setUint32(12, payload.length, true);
  bytes.set(payload, HEADER_LENGTH);
  return bytes;
}

/**
 * Decodes the header in the first {@link HEADER_LENGTH} bytes.
 * @throws StubferryError XENSTORE_PROTOCOL
 */
export function decodeHeader(bytes: Uint8Array): Omit<Message, 'payload'> & { readonly length: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_LENGTH);
  const [number, length] = [view.getUint32(0, true), view.getUint32(12, true)];
  const type = typeOf.get(number);
  if (type === undefined) throw malformed('a message of a known type', `type ${number}`);
  if (length > PAYLOAD_MAX) throw malformed(`a payload of at most ${PAYLOAD_MAX} bytes`, `${length} bytes`);
  return { type, requestId: view.getUint32(4, true), transactionId: view.getUint32(8, true), length };
}

/** Creates the error XENSTORE_PROTOCOL for bytes that xenstored does not send. */
export function malformed(expected: string, found: string): StubferryError {
  return new StubferryError('XENSTORE_PROTOCOL', 'invalid message from xenstored', {
    expected,
    found,
    hint: 'is this the socket of xenstored, or /dev/xen/xenbus?',
  });
}
