/** What the payload of a reply says; anything else than it may say is XENSTORE_PROTOCOL. */
import { printable } from '../../../base/errors/index.js';
import { malformed } from './message.js';
import { isChildName, isPath } from './path.js';
import { decodeStrings } from './strings.js';

/** The event of a watch. */
export interface WatchEvent {
  readonly path: string;
  /** Of the watch, as it was given when it was set up. */
  readonly token: string;
}

/** A part of a long list: DIRECTORY_PART. */
export interface DirectoryPart {
  /** Changes whenever the node does. */
  readonly generation: string;
  /** The part of the list, as bytes of it. */
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** That it was done. */
export function checkDone(payload: Uint8Array): void {
  const said = decodeStrings(payload);
  if (said.length !== 1 || said[0] !== 'OK') throw malformed('OK', shown(said));
}

/** Of TRANSACTION_START: the number of the transaction. */
export function transactionIdOf(payload: Uint8Array): number {
  const said = decodeStrings(payload);
  const id = /^\d{1,10}$/.test(said[0] ?? '') ? Number(said[0]) : 0;
  if (said.length !== 1 || id < 1 || id > 0xffffffff) throw malformed('the number of a transaction', shown(said));
  return id;
}

/** Of IS_DOMAIN_INTRODUCED. */
export function answerOf(payload: Uint8Array): boolean {
  const said = decodeStrings(payload);
  if (said.length !== 1 || (said[0] !== 'T' && said[0] !== 'F')) throw malformed('T or F', shown(said));
  return said[0] === 'T';
}

/** Of GET_DOMAIN_PATH. */
export function pathOf(payload: Uint8Array): string {
  const said = decodeStrings(payload);
  const [path = ''] = said;
  if (said.length !== 1 || !isPath(path)) throw malformed('a path', shown(said));
  return path;
}

/** Of DIRECTORY: the names of the children. */
export function childrenOf(payload: Uint8Array): string[] {
  const names = decodeStrings(payload);
  const wrong = names.find((name) => !isChildName(name));
  if (wrong !== undefined) throw malformed('names of children', shown([wrong]));
  return names;
}

/**
 * Of DIRECTORY_PART. The list is cut behind a name; behind its last name stands an empty one.
 *
 *     1234 \0  name \0  name \0        1234 \0  name \0  \0
 */
export function directoryPartOf(payload: Uint8Array): DirectoryPart {
  const end = payload.indexOf(0);
  const generation = decodeStrings(payload.subarray(0, end + 1))[0] ?? '';
  const bytes = payload.subarray(end + 1);
  const ends = bytes.length > 0 && bytes[bytes.length - 1] === 0;
  if (!/^\d{1,20}$/.test(generation) || !ends) throw malformed('a part of a list', `${payload.length} other bytes`);
  const isLast = bytes.length === 1 || bytes[bytes.length - 2] === 0;
  return { generation, bytes: isLast ? bytes.subarray(0, -1) : bytes, isLast };
}

/** Of WATCH_EVENT. */
export function watchEventOf(payload: Uint8Array): WatchEvent {
  const said = decodeStrings(payload);
  const [path = '', token = ''] = said;
  if (said.length !== 2 || !isPath(path)) throw malformed('the path and the token of a watch', shown(said));
  return { path, token };
}

/** Of ERROR: the name of an errno, such as EACCES. */
export function refusalOf(payload: Uint8Array): string {
  const said = decodeStrings(payload);
  const [name = ''] = said;
  if (said.length !== 1 || !/^E[A-Z0-9]{1,20}$/.test(name)) throw malformed('the name of an error', shown(said));
  return name;
}

function shown(said: readonly string[]): string {
  return printable(JSON.stringify(said), 200);
}
