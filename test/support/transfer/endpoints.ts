/** Sources and sinks in memory, for tests. */
import type { BeginRecord, EndRecord } from '../../../src/formats/protocol/records.js';
import { NIL_UUID } from '../../../src/formats/protocol/uuid.js';
import type { DataFrame, StateSink } from '../../../src/formats/state-sink.js';
import type { StateSource } from '../../../src/formats/state-source.js';
import type { StateToSend } from '../../../src/transfer/index.js';

export const BEGIN: BeginRecord = {
  kind: 'device-state',
  targetUuid: NIL_UUID,
  targetDomid: 7,
  qemuVersion: '7.2.22',
  machineType: 'pc',
  stubferryVersion: 'test',
  createdMs: 1_700_000_000_000,
  sha256: true,
};

/** A state of `length` bytes that does not repeat within a few KB. */
export function stateOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 17) & 0xff);
}

/** Returns `bytes` in chunks of at most `chunk` bytes; then calls `atEnd`, which may throw. */
export function memorySource(bytes: Uint8Array, chunk = bytes.length + 1, atEnd = (): void => undefined): StateSource {
  let rest = bytes;
  return {
    read: async (into) => {
      const count = Math.min(rest.length, into.length, chunk);
      if (count === 0) atEnd();
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    close: async () => undefined,
  };
}

export function toSend(source: StateSource, begin: BeginRecord = BEGIN): () => Promise<StateToSend> {
  return async () => ({ source, begin });
}

/** A sink that records its data and its calls. */
export interface MemorySink extends StateSink {
  begin_: BeginRecord | undefined;
  readonly chunks: Uint8Array[];
  readonly calls: string[];
  end_: EndRecord | undefined;
}

export function memorySink(change: Partial<StateSink> = {}): MemorySink {
  const sink: MemorySink = {
    begin_: undefined,
    end_: undefined,
    chunks: [],
    calls: [],
    begin: async (begin) => {
      sink.calls.push('begin');
      sink.begin_ = begin;
    },
    data: async ({ payload }: DataFrame) => {
      sink.chunks.push(Uint8Array.from(payload));
    },
    commit: async (end) => {
      sink.calls.push('commit');
      sink.end_ = end;
    },
    discard: async () => {
      sink.calls.push('discard');
      if (sink.end_ !== undefined) return false;
      sink.chunks.length = 0;
      return true;
    },
    ...change,
  };
  return sink;
}

export function contentOf(sink: MemorySink): Uint8Array {
  return new Uint8Array(Buffer.concat(sink.chunks));
}
