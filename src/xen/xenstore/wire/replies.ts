/**
 * Parsers for the payloads of replies (docs/misc/xenstore.txt). Each throws XENSTORE_PROTOCOL for any other payload.
 */
import { printable } from '../../../base/errors/index.js';
import { malformed } from './message.js';
import { isChildName, isPath } from './path.js';
import { decodeStrings } from './strings.js';

/** The event of a watch. */
export interface WatchEvent {
  readonly path: string;
  /** The token with which the watch was set. */
  readonly token: string;
}

/** A part of a long list of children: DIRECTORY_PART. */
export interface DirectoryPart {
  /** Changes whenever the node changes. */
  readonly generation: string;
  /** The bytes of this part of the list. */
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** Parses the reply to a request that returns nothing. */
export function checkDone(payload: Uint8Array): void {
  const strings = decodeStrings(payload);
  if (strings.length !== 1 || strings[0] !== 'OK') throw malformed('OK', describe(strings));
}

/** Parses the reply to TRANSACTION_START: the number of the transaction. */
export function transactionIdOf(payload: Uint8Array): number {
  const strings = decodeStrings(payload);
  const id = /^\d{1,10}$/.test(strings[0] ?? '') ? Number(strings[0]) : 0;
  if (strings.length !== 1 || id < 1 || id > 0xffffffff)
    throw malformed('the number of a transaction', describe(strings));
  return id;
}

/** Parses the reply to IS_DOMAIN_INTRODUCED. */
export function booleanOf(payload: Uint8Array): boolean {
  const strings = decodeStrings(payload);
  if (strings.length !== 1 || (strings[0] !== 'T' && strings[0] !== 'F')) throw malformed('T or F', describe(strings));
  return strings[0] === 'T';
}

/** Parses the reply to GET_DOMAIN_PATH. */
export function pathOf(payload: Uint8Array): string {
  const strings = decodeStrings(payload);
  const [path = ''] = strings;
  if (strings.length !== 1 || !isPath(path)) throw malformed('a path', describe(strings));
  return path;
}

/** Parses the reply to DIRECTORY: the names of the children. */
export function childrenOf(payload: Uint8Array): string[] {
  const names = decodeStrings(payload);
  const wrong = names.find((name) => !isChildName(name));
  if (wrong !== undefined) throw malformed('names of children', describe([wrong]));
  return names;
}

/**
 * Parses the reply to DIRECTORY_PART. A part ends behind a name; an empty name follows the last name of the list.
 *
 *     1234 \0  name \0  name \0        1234 \0  name \0  \0
 */
export function directoryPartOf(payload: Uint8Array): DirectoryPart {
  const end = payload.indexOf(0);
  const generation = decodeStrings(payload.subarray(0, end + 1))[0] ?? '';
  const bytes = payload.subarray(end + 1);
  const ends = bytes.length > 0 && bytes[bytes.length - 1] === 0;
  if (!/^\d{1,20}$/.test(generation) || !ends) throw malformed('a part of a list', `${payload.length} bytes`);
  const isLast = bytes.length === 1 || bytes[bytes.length - 2] === 0;
  return { generation, bytes: isLast ? bytes.subarray(0, -1) : bytes, isLast };
}

/** Parses the payload of WATCH_EVENT. */
export function watchEventOf(payload: Uint8Array): WatchEvent {
  const strings = decodeStrings(payload);
  const [path = '', token = ''] = strings;
  if (strings.length !== 2 || !isPath(path)) throw malformed('the path and the token of a watch', describe(strings));
  return { path, token };
}

/** Parses the payload of ERROR: the name of an errno, such as EACCES. */
export function refusalOf(payload: Uint8Array): string {
  const strings = decodeStrings(payload);
  const [name = ''] = strings;
  if (strings.length !== 1 || !/^E[A-Z0-9]{1,20}$/.test(name))
    throw malformed('the name of an error', describe(strings));
  return name;
}

function describe(strings: readonly string[]): string {
  return printable(JSON.stringify(strings), 200);
}
