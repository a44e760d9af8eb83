/** Reads bare QEMU states section by section and refuses a state that is not complete. */
import { EventLoopYield, systemClock } from '../../base/time/index.js';
import { QevmReader, type QevmState } from '../../formats/qevm/index.js';
import type { Seekable, StateSource } from '../../formats/state-source.js';

const CHUNK_BYTES = 64 * 1024;

/**
 * The maximum total size of the device sections that are held in memory while a state is read, in bytes. QEMU writes
 * 6 KiB to 5 MiB of them.
 */
const DEVICE_BYTES_LIMIT = 64 * 1024 * 1024;

/**
 * Reads and checks a whole state by offset, without changing the position of its source.
 * @param where the name of the input, for error messages
 * @param offset the offset of the state in its container, for error messages
 * @throws StubferryError: the error of a state that is damaged or truncated
 */
export async function checkState(state: Seekable, where: string, offset = 0): Promise<QevmState> {
  const expectedBytes = await state.size();
  const reader = new QevmReader(where, { offset, expectedBytes, maxDeviceBytes: DEVICE_BYTES_LIMIT });
  const chunk = new Uint8Array(CHUNK_BYTES);
  // Reads from memory never wait, so they would block the event loop: while a stubdom under emulation read 32 MiB, it
  // sent no heartbeat for more than 5 s.
  const loopYield = new EventLoopYield(systemClock);
  let position = 0;
  for (;;) {
    await loopYield.ifDue();
    const count = await state.readAt(chunk, position);
    if (count === 0) return reader.finish();
    reader.push(chunk.subarray(0, count));
    position += count;
  }
}

/** A source that checks a state while it is read. It reports the end only when the state is complete. */
export class CheckedSource implements StateSource {
  readonly #source: StateSource;
  readonly #reader: QevmReader;
  #state: QevmState | undefined;

  /**
   * @param where the name of the input, for error messages
   * @param offset the offset of the state in its container, for error messages
   */
  constructor(source: StateSource, where: string, offset = 0) {
    this.#source = source;
    this.#reader = new QevmReader(where, { offset, maxDeviceBytes: DEVICE_BYTES_LIMIT });
  }

  /** The sections of the state, or undefined until all of it was read. */
  get state(): QevmState | undefined {
    return this.#state;
  }

  /** @throws StubferryError: the error of a state that is damaged or truncated */
  async read(into: Uint8Array): Promise<number> {
    if (this.#state !== undefined) return 0;
    const count = await this.#source.read(into);
    if (count > 0) this.#reader.push(into.subarray(0, count));
    else this.#state = this.#reader.finish();
    return count;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

/**
 * Reads and checks a bare state from its current position to its end.
 * @throws StubferryError: the error of a state that is damaged or truncated
 */
export async function readState(source: StateSource, where: string, offset = 0): Promise<QevmState> {
  const checked = new CheckedSource(source, where, offset);
  const chunk = new Uint8Array(CHUNK_BYTES);
  while ((await checked.read(chunk)) > 0);
  if (checked.state === undefined) throw new Error('a state without an end');
  return checked.state;
}
