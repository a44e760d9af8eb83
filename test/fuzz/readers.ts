/**
 * Runs all readers of files from other programs. A reader must return, or throw a StubferryError. It is a fault when a
 * reader does anything else, or when it makes more or larger read requests than its input justifies.
 */

import { type ErrorCode, StubferryError } from '../../src/base/errors/index.js';
import { type PullParser, parseBytes, type ReadRequest, type ReadResult } from '../../src/formats/pull-parser/index.js';
import type { Seekable, StateSource } from '../../src/formats/state-source.js';
import {
  CheckedSource,
  type ContainerReader,
  checkState,
  containerReaderFor,
} from '../../src/states/containers/index.js';
import { examineInput } from '../../src/states/recognise-state.js';
import type { Random } from './random.js';
import type { Family } from './seeds.js';

/** The most bytes that a reader may request at once: the length of the XML of a libvirt save file. */
const MOST_TAKEN = 16 * 1024 * 1024;

/**
 * Reads a mutated file.
 *
 * @throws StubferryError: when a reader rejects the file
 * @throws Error: when a reader has a fault
 */
export async function readMutated(family: Family, bytes: Buffer, random: Random): Promise<void> {
  if (family === 'qevm') {
    await checkState(fileOf(bytes), 'input');
    return;
  }
  const refused = walkRefusal(bytes);
  try {
    await readAsCommandsDo(bytes, random);
  } catch (error) {
    // Reading from a pipe has an additional limit.
    const same = refused === undefined || sameRefusal(refused, error) || isRefusal(error, 'LIMIT_EXCEEDED');
    if (!same) throw new Error(`in memory: ${refused.message} at ${refused.details.offset}`, { cause: error });
    throw error;
  }
  if (refused !== undefined) throw new Error(`only in memory: ${refused.message} at ${refused.details.offset}`);
}

/** Returns the error of the container reader for bytes in memory; undefined when it accepts them. */
function walkRefusal(bytes: Buffer): StubferryError | undefined {
  const reader = containerReaderFor(bytes, 'input');
  if (reader === undefined) return undefined;
  try {
    parseBytes(bytes, bounded(reader, bytes.length));
    return undefined;
  } catch (error) {
    if (error instanceof StubferryError) return error;
    throw error;
  }
}

function sameRefusal(one: StubferryError, other: unknown): boolean {
  return isRefusal(other, one.code) && other.details.offset === one.details.offset;
}

function isRefusal(error: unknown, code: ErrorCode): error is StubferryError {
  return error instanceof StubferryError && error.code === code;
}

/** Counts the read requests of a reader: one for each byte of the input is allowed, and a few more. */
function* bounded(reader: ContainerReader, length: number): PullParser<void> {
  const parser = reader.parse();
  let [asked, result]: [number, ReadResult] = [0, { passed: 0, bytes: new Uint8Array(0) }];
  for (;;) {
    const step = parser.next(result);
    if (step.done === true) return;
    asked += 1;
    checkAsk(step.value);
    if (asked > length + 64) throw new Error(`${asked} questions for ${length} bytes`);
    result = yield step.value;
  }
}

function checkAsk({ kind, length }: ReadRequest): void {
  if (kind === 'take' && length > MOST_TAKEN) throw new Error(`${length} bytes wanted at once`);
  if (!(length >= 0)) throw new Error(`${length} bytes wanted`);
}

/** Reads a file as the commands do, from recognition to the last byte of the state, from a file or a pipe. */
async function readAsCommandsDo(bytes: Buffer, random: Random): Promise<void> {
  const pieces = 1 + random.below(9000);
  const source: StateSource =
    random.below(2) === 0 ? pipeOf(bytes, pieces) : { ...pipeOf(bytes, pieces), seekable: fileOf(bytes) };
  const input = await examineInput(source, 'input');
  if (input.format === 'transfer-disk') return;
  if (input.format !== 'container') return readAll(input.source);
  try {
    if (input.flaw !== undefined) throw input.flaw;
    if (input.state !== undefined) await readAll(new CheckedSource(input.state.source, 'input'));
  } finally {
    await input.close();
  }
}

async function readAll(source: StateSource): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  while ((await source.read(buffer)) > 0);
}

function pipeOf(bytes: Uint8Array, most: number): StateSource {
  let offset = 0;
  return {
    read: async (into) => {
      const piece = bytes.subarray(offset, offset + Math.min(most, into.length));
      into.set(piece);
      offset += piece.length;
      return piece.length;
    },
    close: async () => undefined,
  };
}

function fileOf(bytes: Uint8Array): Seekable {
  return {
    readAt: async (into, offset) => {
      const piece = bytes.subarray(offset, offset + into.length);
      into.set(piece);
      return piece.length;
    },
    size: async () => bytes.length,
  };
}
