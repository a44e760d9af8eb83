/**
 * Splits the device part of a state by its footers.
 *
 *     header of S  body  0x7e S | header of T  body  0x7e T | ... | 0x00
 *
 * A body has no length, and may hold the bytes of a footer and of a header behind it. So every place at which a footer is
 * followed by a header is a node, and a chain of them is a way to read the state: each node's footer must name the section
 * before it. There is one such way in nearly any state, since no two sections have the same id: where a body of S is cut
 * in two, both parts must be called S. A guest that puts a whole state into a buffer of a device makes a second way. Then
 * the most plausible one is taken (chain.ts), and the sections about which the ways do not agree are marked as inferred.
 */

import { printable } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import { candidateAt } from './candidates.js';
import { bestChain, type Node } from './chain.js';
import { QEVM_LIMITS } from './limits.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import { FOOTER, FOOTER_BYTES, SECTION_TYPES, type SectionType } from './section-header.js';
import type { DeviceSections, Span } from './span.js';

interface FooteredNode extends Node {
  readonly type: SectionType;
  /** The section that the footer in front of it is of. */
  readonly footerOf: number | undefined;
}

/** Of a part or end section: type and id. */
const CONTINUATION_BYTES = 5;
/** Sections of one id that are looked at, from the last one backwards. Only parts are many, and those follow each other. */
const SAME_ID = 32;

/** @throws StubferryError CORRUPT, LIMIT_EXCEEDED */
export function splitByFooters(part: DeviceSections, location: Location): Span[] {
  const { bytes, end } = part;
  if (end === 0) return [];
  const nodes = nodesIn(part, location);
  const { before, reached } = linksOf(nodes, bytes, end);
  const { places: chain } = bestChain(nodes, end, { before, trailer: FOOTER_BYTES, anyDescent: true });
  if (chain.length === 0) {
    const last = nodes[reached];
    const message = `the section ${printable(last?.name ?? '')} does not end in its footer`;
    const expected = `0x7e, section id ${last?.id}, and the next section or the end mark`;
    throw parseError(
      'CORRUPT',
      message,
      location,
      part.offset + (last?.offset ?? 0),
      expected,
      'neither, up to the end',
    );
  }
  const doubtful = doubtfulIn(chain, before, nodes);
  return chain.flatMap((at, step) => {
    const node = nodes[at];
    if (node === undefined) return [];
    const next = chain[step + 1] ?? nodes.length;
    const bodyLength = (nodes[next]?.offset ?? end) - FOOTER_BYTES - node.offset - node.headerBytes;
    const inferred = doubtful.has(at) || doubtful.has(next);
    return { ...node, bodyLength, footerBytes: FOOTER_BYTES, inferred, alternatives: [] };
  });
}

/** Every place at which a section may begin: the first byte, and behind a footer. */
function nodesIn({ bytes, end, offset }: DeviceSections, location: Location): readonly FooteredNode[] {
  const within = bytes.subarray(0, end);
  const started = new Map<number, Node>();
  const nodes: FooteredNode[] = [];
  const add = (at: number, footerOf: number | undefined): void => {
    const node = nodeAt(within, at, started);
    if (node === undefined) return;
    if (nodes.length === QEVM_LIMITS.sections) {
      const expected = `at most ${QEVM_LIMITS.sections}`;
      throw parseError('LIMIT_EXCEEDED', 'too many sections', location, offset + at, expected, 'more');
    }
    if (node.type === 'start') started.set(node.id, node);
    nodes.push({ ...node, footerOf });
  };
  add(0, undefined);
  if (nodes.length === 0) {
    const found = hexByte(bytes[0]);
    throw parseError('CORRUPT', 'no section begins here', location, offset, 'the header of a section', found);
  }
  for (let at = within.indexOf(FOOTER, 1); at !== -1; at = within.indexOf(FOOTER, at + 1)) {
    const after = at + FOOTER_BYTES;
    if (after < end) add(after, viewOf(within).getUint32(at + 1));
  }
  return nodes;
}

type FoundNode = Omit<FooteredNode, 'footerOf'>;

function nodeAt(bytes: Uint8Array, at: number, started: ReadonlyMap<number, Node>): FoundNode | undefined {
  switch (bytes[at]) {
    case SECTION_TYPES.full:
    case SECTION_TYPES.start: {
      const candidate = candidateAt(bytes, at);
      const type = bytes[at] === SECTION_TYPES.full ? 'full' : 'start';
      return candidate === undefined ? undefined : { ...candidate, type };
    }
    case SECTION_TYPES.part:
    case SECTION_TYPES.end: {
      if (at + CONTINUATION_BYTES > bytes.length) return undefined;
      const node = started.get(viewOf(bytes).getUint32(at + 1));
      const type = bytes[at] === SECTION_TYPES.part ? 'part' : 'end';
      return node === undefined
        ? undefined
        : { ...node, type, offset: at, headerBytes: CONTINUATION_BYTES, isFull: false };
    }
    default:
      return undefined;
  }
}

interface Links {
  /** For each node, and for the end: the places of nodes that may stand before it and can be reached themselves. */
  readonly before: readonly (readonly number[])[];
  /** The last node that can be reached. */
  readonly reached: number;
}

function linksOf(nodes: readonly FooteredNode[], bytes: Uint8Array, end: number): Links {
  const byId = new Map<number, number[]>();
  const before: number[][] = [];
  let reached = 0;
  const places = (footerOf: number | undefined, at: number, to: FooteredNode | undefined): number[] => {
    if (footerOf === undefined) return [];
    const same = (byId.get(footerOf) ?? []).slice(-SAME_ID);
    return same.filter((index) => {
      const from = nodes[index];
      return from !== undefined && from.offset + from.headerBytes + FOOTER_BYTES <= at && mayFollow(from, to);
    });
  };
  nodes.forEach((node, index) => {
    const links = places(node.footerOf, node.offset, node);
    before.push(links);
    if (index > 0 && links.length === 0) return;
    reached = index;
    byId.set(node.id, [...(byId.get(node.id) ?? []).slice(1 - SAME_ID), index]);
  });
  const footer = end - FOOTER_BYTES;
  const last = footer >= 0 && bytes[footer] === FOOTER ? viewOf(bytes).getUint32(footer + 1) : undefined;
  before.push(places(last, end, undefined));
  return { before, reached };
}

/** No two full sections have the same id; the others are of devices that take turns. */
function mayFollow(from: FooteredNode, to: FooteredNode | undefined): boolean {
  return to === undefined || !from.isFull || !to.isFull || to.id !== from.id;
}

/** Places of the chain over which another way to read the state passes. */
function doubtfulIn(
  chain: readonly number[],
  before: readonly (readonly number[])[],
  nodes: readonly FooteredNode[],
): ReadonlySet<number> {
  const end = nodes.length;
  const live = new Set<number>([end]);
  /** How many links begin and end at a place: those that are open at a place pass over it. */
  const opened = new Int32Array(end + 1);
  const own = new Map(chain.map((index, step) => [chain[step + 1] ?? end, index]));
  for (let to = end; to > 0; to -= 1) {
    if (!live.has(to)) continue;
    for (const from of before[to] ?? []) {
      if (own.get(to) !== from && !isPlausible(nodes[from], nodes[to], from === before[to]?.at(-1))) continue;
      live.add(from);
      opened[from + 1] = (opened[from + 1] ?? 0) + 1;
      opened[to] = (opened[to] ?? 0) - 1;
    }
  }
  let open = 0;
  const passed = new Set<number>();
  for (let index = 0; index <= end; index += 1) {
    open += opened[index] ?? 0;
    if (open > 0) passed.add(index);
  }
  return new Set(chain.filter((index) => passed.has(index)));
}

/** Whether `to` is to be expected after `from`, in a state that no guest has had its hands in. */
function isPlausible(from: FooteredNode | undefined, to: FooteredNode | undefined, isLast: boolean): boolean {
  if (from === undefined || to === undefined) return true;
  if (!from.isFull || !to.isFull) return isLast;
  return to.id > from.id || from.isEarly;
}
