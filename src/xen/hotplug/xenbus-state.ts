/**
 * In which state an end of a device is (xen/include/public/io/xenbus.h). A frontend and a backend come together so:
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

/** `gone` is a node that is not there, `invalid` one that says anything else. */
export type XenbusState = (typeof NAMES)[number] | 'gone' | 'invalid';

/** @param value of the node `state`, which in a frontend's folder its domain may have written; undefined when there is none */
export function xenbusState(value: Uint8Array | undefined): XenbusState {
  if (value === undefined) return 'gone';
  const text = value.length === 1 ? String.fromCharCode(value[0] ?? 0) : '';
  return /^[0-8]$/.test(text) ? (NAMES[Number(text)] ?? 'invalid') : 'invalid';
}

/** What is written for it. */
export function stateValue(state: (typeof NAMES)[number]): string {
  return String(NAMES.indexOf(state));
}

/** For people, with the number that xenstore-ls shows. */
export function shownState(state: XenbusState): string {
  return state === 'gone' || state === 'invalid' ? state : `${state} (${stateValue(state)})`;
}
