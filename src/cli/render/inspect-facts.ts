/** The facts that `inspect` prints about an input besides its sections, as names and values. */

import type { StubferryError } from '../../base/errors/index.js';
import type { ControlBlock } from '../../formats/protocol/control-block.js';
import type { BeginRecord, EndRecord } from '../../formats/protocol/records.js';
import { FORMAT_MAJOR } from '../../formats/protocol/superblock.js';
import { NIL_UUID } from '../../formats/protocol/uuid.js';
import { hex64 } from '../../formats/protocol/xxh64.js';
import type { QevmStart, QevmState } from '../../formats/qevm/index.js';
import type { Compression } from '../../io/index.js';
import { examineDisk } from '../../transfer/ring/index.js';
import { compressionText } from './container-facts.js';
import { counted, formatBytes } from './format-values.js';

/**
 * Names and values, for the text and, as an object, for `--json`: there a name such as `target domid` becomes
 * `targetDomid`.
 */
export type Facts = readonly (readonly [string, string | number | undefined])[];

/** The metadata of a statefile. */
export interface StatefileFacts {
  readonly writer: string;
  readonly transferUuid: string;
  readonly begin: BeginRecord;
  /** Undefined when the END record was not found. */
  readonly end: EndRecord | undefined;
  readonly fileBytes: number | undefined;
  readonly compressed: Compression | false;
}

/** The facts about a statefile. */
export function statefileFacts(path: string, facts: StatefileFacts): Facts {
  const { writer, transferUuid, begin, end, fileBytes, compressed } = facts;
  return [
    ['file', path],
    ['format', `stubferry statefile, format ${FORMAT_MAJOR}${compressionText(compressed)}`],
    ['written by', writer],
    ['transfer', transferUuid],
    ...beginFacts(begin),
    ...(end === undefined ? [] : endFacts(end)),
    ['file bytes', fileBytes],
    ['data records', end?.dataFrames],
  ];
}

function beginFacts(begin: BeginRecord): Facts {
  return [
    ['kind', begin.kind],
    ['target', begin.targetUuid === NIL_UUID ? undefined : begin.targetUuid],
    ['target domid', begin.targetDomid === 0 ? undefined : begin.targetDomid],
    ['qemu version', begin.qemuVersion],
    ['machine type', begin.machineType],
    ['sent by', `stubferry ${begin.stubferryVersion}`],
    ['created', isoTime(begin.createdMs)],
  ];
}

function endFacts(end: EndRecord): Facts {
  const hex = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
  return [
    ['bytes', end.stateBytes],
    ['sha256', hex(end.digests?.sha256)],
    ['xxh64', hex(end.digests?.xxh64)],
    ['chain', hex64(end.chain)],
  ];
}

/** A record may contain any number as its time; one that is not a valid date is shown as it is. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms since 1970` : date.toISOString();
}

/** The facts about a bare QEMU state. @param read the result of reading the whole state, if that was possible */
export function qevmFacts(
  path: string,
  start: QevmStart,
  compressed: Compression | false,
  read: { readonly state: QevmState; readonly sha256: string } | undefined,
): Facts {
  return [
    ['file', path],
    ['format', `bare QEMU state (QEVM version 3)${compressionText(compressed)}`],
    ['kind', start.kind],
    ['machine type', start.machineType],
    ['bytes', read?.state.bytes],
    ['sha256', read?.sha256],
    ['integrity', 'no checksum (the format has none)'],
  ];
}

/** The facts about a transfer disk. @throws StubferryError of `examineDisk` */
export async function diskFacts(path: string, device: Parameters<typeof examineDisk>[0]): Promise<Facts> {
  const damages: StubferryError[] = [];
  const { superblock, sender, receiver, frames, payloadBytes, otherBlocks } = await examineDisk(device, (error) =>
    damages.push(error),
  );
  return [
    ['file', path],
    ['format', `transfer disk, format ${FORMAT_MAJOR}`],
    ['written by', superblock.writer],
    ['transfer', superblock.transferUuid],
    ['direction', superblock.direction],
    ['target', superblock.targetUuid === NIL_UUID ? undefined : superblock.targetUuid],
    ['target domid', superblock.targetDomid === 0 ? undefined : superblock.targetDomid],
    ['ring', formatBytes(superblock.ringLength)],
    ['largest payload', formatBytes(superblock.maxPayload)],
    ['largest state', formatBytes(superblock.maxState)],
    ['sender', controlText(sender)],
    ['receiver', controlText(receiver)],
    ['frames on the ring', `${frames}, with ${payloadBytes} bytes of payload`],
    ['other blocks', otherBlocks],
    [
      'damage',
      damages.length === 0 ? 'none found' : `${counted(damages.length, 'error')}; 'stubferry verify' reports the first`,
    ],
  ];
}

function controlText(control: ControlBlock | undefined): string {
  if (control === undefined) return 'never attached';
  const { phase, cursor, streamed, errorStatus, reason } = control;
  const why = errorStatus === 0 ? '' : `, error ${errorStatus}: ${reason}`;
  return `${phase}, cursor ${cursor}, ${streamed} bytes of the state${why}`;
}
