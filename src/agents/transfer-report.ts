/** The JSON form of a finished transfer, for events, `--json` and logs. */
import type { StateKind } from '../formats/protocol/records.js';
import { hex64 } from '../formats/protocol/xxh64.js';
import type { TransferSummary } from '../transfer/index.js';

/** The report of a finished transfer. */
export interface TransferReport {
  readonly kind: StateKind;
  /** Size of the state, in bytes. */
  readonly bytes: number;
  readonly dataRecords: number;
  /** The chain over all DATA frames, in hexadecimal. */
  readonly chain: string;
  /** Digest of the whole state, in hexadecimal. Absent when only the chain was computed. */
  readonly xxh64?: string;
  /** Digest of the whole state, in hexadecimal. Absent when only the chain was computed. */
  readonly sha256?: string;
  /** See {@link Timings} for this and the two other instants: milliseconds on the monotonic clock of the machine. */
  readonly firstByteAt: number;
  readonly endAt: number;
  readonly acknowledgedAt: number;
}

/** Converts the summary of a transfer to its report. */
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
