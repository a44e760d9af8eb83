/** Bare QEMU states that are read section by section, so that one that is not whole is refused. */
import { EventLoopYield, systemClock } from '../../base/time/index.js';
import { QevmReader, type QevmState } from '../../formats/qevm/index.js';
import type { Seekable, StateSource } from '../../formats/state-source.js';

const PIECE_BYTES = 64 * 1024;

/** Most bytes of devices that are held while a state is read. QEMU's own are 6 KiB to 5 MiB. */
export const MOST_DEVICE_BYTES = 64 * 1024 * 1024;

/**
 * Reads all of a state, without moving where it is read from.
 * @param offset of it in its container, for errors
 * @throws StubferryError what is wrong with it
 */
export async function checkState(state: Seekable, where: string, offset = 0): Promise<QevmState> {
  const expectedBytes = await state.size();
  const reader = new QevmReader(where, { offset, expectedBytes, maxDeviceBytes: MOST_DEVICE_BYTES });
  const piece = new Uint8Array(PIECE_BYTES);
  // What lies in memory is read without waiting for anything: 32 MiB of it took a stubdom under emulation more than 5 s without a heartbeat.
  const turn = new EventLoopYield(systemClock);
  let at = 0;
  for (;;) {
    await turn.ifDue();
    const count = await state.readAt(piece, at);
    if (count === 0) return reader.finish();
    reader.push(piece.subarray(0, count));
    at += count;
  }
}

/** A state that is checked while it is read: its end is reached only when it is whole. */
export class CheckedSource implements StateSource {
  readonly #source: StateSource;
  readonly #reader: QevmReader;
  #state: QevmState | undefined;

  /** @param offset of it in its container, for errors */
  constructor(source: StateSource, where: string, offset = 0) {
    this.#source = source;
    this.#reader = new QevmReader(where, { offset, maxDeviceBytes: MOST_DEVICE_BYTES });
  }

  /** What it consists of; undefined until all of it was read. */
  get state(): QevmState | undefined {
    return this.#state;
  }

  /** @throws StubferryError what is wrong with it */
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

/** Reads all that is left of a bare state. @throws StubferryError what is wrong with it */
export async function readState(source: StateSource, where: string, offset = 0): Promise<QevmState> {
  const checked = new CheckedSource(source, where, offset);
  const piece = new Uint8Array(PIECE_BYTES);
  while ((await checked.read(piece)) > 0);
  if (checked.state === undefined) throw new Error('a state without an end');
  return checked.state;
}
