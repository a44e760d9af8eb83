/**
 * What a state is and who wrote it, without reading its data where that can be avoided.
 *
 * A statefile in a regular file is read at four places: header, BEGIN, and, through the TRAILER in its last block, END. Anything else (a pipe, a compressed file) is read to its end.
 */

import { located, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE } from '../protocol/block.js';
import { decodeFrameHeader } from '../protocol/frame.js';
import { type BeginRecord, decodeEnd, decodeTrailer, type EndRecord } from '../protocol/records.js';
import { uuidSeed } from '../protocol/uuid.js';
import type { Seekable, StateSource } from '../state-source.js';
import type { StatefileHeader } from './file-header.js';
import { StatefileReader } from './statefile-reader.js';

/** What a statefile says of itself. */
export interface StatefileSummary {
  readonly header: StatefileHeader;
  readonly begin: BeginRecord;
  readonly end: EndRecord;
  readonly fileBytes: number;
}

/**
 * Reads the summary of a statefile by seeking. The data is not looked at: that is what verifying is for.
 * @throws StubferryError TRUNCATED, CORRUPT, ...
 */
export async function seekSummary(file: StateSource & Seekable, where: string): Promise<StatefileSummary> {
  const fileBytes = await file.size();
  const { header, begin } = await StatefileReader.open(file, where);
  const seed = uuidSeed(header.transferUuid);
  const trailerOffset = fileBytes - BLOCK_SIZE;
  const trailerRecord = await recordAt(file, where, seed, trailerOffset, 'trailer');
  const trailer = located(where, trailerOffset, () => decodeTrailer(trailerRecord));
  if (trailer.fileBytes !== fileBytes) {
    throw new StubferryError('CORRUPT', 'the trailer is of a file of another length', {
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
    throw new StubferryError('TRUNCATED', `the statefile has no ${type.toUpperCase()} where it should be`, {
      where,
      offset,
      expected: type === 'end' ? 'an END frame' : 'a TRAILER frame',
      found: typeof header === 'string' ? header : (header.type ?? 'an unknown record'),
      hint: 'it was not completely written or copied; stubferry verify says where it breaks off',
    });
  }
  return header.record;
}
