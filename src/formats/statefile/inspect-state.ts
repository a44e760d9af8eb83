/**
 * Reads the description of a statefile without its data.
 *
 * It reads four blocks of a statefile in a regular file: the header, BEGIN, the TRAILER in the last block, and END,
 * whose offset is in the TRAILER. For any other input (a pipe, a compressed file), stubferry reads the whole input
 * instead.
 */

import { located, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE } from '../protocol/block.js';
import { decodeFrameHeader } from '../protocol/frame.js';
import { type BeginRecord, decodeEnd, decodeTrailer, type EndRecord } from '../protocol/records.js';
import { uuidSeed } from '../protocol/uuid.js';
import type { Seekable, StateSource } from '../state-source.js';
import type { StatefileHeader } from './file-header.js';
import { StatefileReader } from './statefile-reader.js';

/** The description of a statefile. */
export interface StatefileSummary {
  readonly header: StatefileHeader;
  readonly begin: BeginRecord;
  readonly end: EndRecord;
  /** The length of the file, in bytes. */
  readonly fileBytes: number;
}

/**
 * Reads the summary of a statefile by seeking. It does not check the data; `stubferry verify` does.
 *
 * @param where the file, for messages
 * @throws StubferryError TRUNCATED: when a record is missing; CORRUPT: when a record is not valid, and the errors of
 * {@link StatefileReader.open}
 */
export async function seekSummary(file: StateSource & Seekable, where: string): Promise<StatefileSummary> {
  const fileBytes = await file.size();
  const { header, begin } = await StatefileReader.open(file, where);
  const seed = uuidSeed(header.transferUuid);
  const trailerOffset = fileBytes - BLOCK_SIZE;
  const trailerRecord = await recordAt(file, where, seed, trailerOffset, 'trailer');
  const trailer = located(where, trailerOffset, () => decodeTrailer(trailerRecord));
  if (trailer.fileBytes !== fileBytes) {
    throw new StubferryError('CORRUPT', 'the TRAILER record does not match the length of the file', {
      where,
      offset: trailerOffset,
      expected: `${trailer.fileBytes} bytes`,
      found: `${fileBytes} bytes`,
    });
  }
  const endRecord = await recordAt(file, where, seed, trailer.endOffset, 'end');
  const end = located(where, trailer.endOffset, () => decodeEnd(endRecord, begin.sha256));
  return { header, begin, end, fileBytes };
}

async function recordAt(
  file: StateSource & Seekable,
  where: string,
  seed: bigint,
  offset: number,
  type: 'end' | 'trailer',
): Promise<Uint8Array> {
  const block = new Uint8Array(BLOCK_SIZE);
  const aligned = offset >= 2 * BLOCK_SIZE && offset % BLOCK_SIZE === 0;
  const count = aligned ? await file.readAt(block, offset) : 0;
  const header = count === BLOCK_SIZE ? decodeFrameHeader(block, seed) : 'no-magic';
  if (typeof header === 'string' || header.type !== type || header.position !== offset) {
    throw new StubferryError('TRUNCATED', `the statefile has no ${type.toUpperCase()} record at the expected offset`, {
      where,
      offset,
      expected: type === 'end' ? 'an END frame' : 'a TRAILER frame',
      found: typeof header === 'string' ? header : (header.type ?? 'an unknown record'),
      hint: 'the file was not completely written or copied; stubferry verify reports where it is truncated',
    });
  }
  return header.record;
}
