/**
 * The state of one end of a device (xen/include/public/io/xenbus.h). A frontend and a backend connect and close in
 * these steps:
 *
 *     backend   1 Initialising -> 2 InitWait ------------------> 4 Connected     -> 5 Closing -> 6 Closed
 *     frontend  1 Initialising ------------> 3 Initialised -> 4 Connected        -> 5 Closing -> 6 Closed
 */

const NAMES = [
  'Unknown',
  'Initialising',
  'InitWait',
  'Initialised',
  'Connected',
  'Closing',
  'Closed',
  'Reconfiguring',
  'Reconfigured',
] as const;

/** `gone` stands for a missing node, `invalid` for a node with any other value. */
export type XenbusState = (typeof NAMES)[number] | 'gone' | 'invalid';

/**
 * Parses the value of a node `state`.
 * @param value undefined when the node is missing; in the directory of a frontend, its domain may have written any
 *   bytes
 */
export function xenbusState(value: Uint8Array | undefined): XenbusState {
  if (value === undefined) return 'gone';
  const text = value.length === 1 ? String.fromCharCode(value[0] ?? 0) : '';
  return /^[0-8]$/.test(text) ? (NAMES[Number(text)] ?? 'invalid') : 'invalid';
}

/** The value of a node `state` for that state. */
export function stateValue(state: (typeof NAMES)[number]): string {
  return String(NAMES.indexOf(state));
}

/** The state for messages, with the number that xenstore-ls shows. */
export function describeState(state: XenbusState): string {
  return state === 'gone' || state === 'invalid' ? state : `${state} (${stateValue(state)})`;
}
