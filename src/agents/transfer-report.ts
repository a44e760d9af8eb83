/** A finished transfer in the form that goes into JSON: events, `--json`, logs. */
import type { StateKind } from '../formats/protocol/records.js';
import { hex64 } from '../formats/protocol/xxh64.js';
import type { TransferSummary } from '../transfer/index.js';

export interface TransferReport {
  readonly kind: StateKind;
  /** Bytes of the state. */
  readonly bytes: number;
  readonly dataRecords: number;
  /** The chain over all frames, hexadecimal. */
  readonly chain: string;
  /** Of the whole state, hexadecimal; absent when only the chain was computed. */
  readonly xxh64?: string;
  readonly sha256?: string;
  /** Instants on the machine's monotone clock, milliseconds. */
  readonly firstByteAt: number;
  readonly endAt: number;
  readonly acknowledgedAt: number;
}

export function transferReport({ begin, end, timings }: TransferSummary): TransferReport {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return {
    kind: begin.kind,
    bytes: end.stateBytes,
    dataRecords: end.dataFrames,
    chain: hex64(end.chain),
    ...(end.digests === undefined ? {} : { xxh64: hex(end.digests.xxh64), sha256: hex(end.digests.sha256) }),
    firstByteAt: timings.firstByte,
    endAt: timings.end,
    acknowledgedAt: timings.acknowledged,
  };
}
