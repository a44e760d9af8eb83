/** Turns an open source into a state that can be sent: recognises its format and makes its BEGIN record. */

import { StubferryError } from '../base/errors/index.js';
import { VERSION } from '../base/version.js';
import type { BeginRecord } from '../formats/protocol/records.js';
import { readFully, type StateSource } from '../formats/state-source.js';
import { STATEFILE_MAGIC } from '../formats/statefile/index.js';
import { PushbackSource } from '../io/index.js';
import { checkState } from '../states/containers/index.js';
import { recogniseState } from '../states/recognise-state.js';
import type { StateToSend } from '../transfer/index.js';
import { EndMarkCheck } from './end-mark-check.js';

/** The origin of a state, for its BEGIN record. */
export interface Provenance {
  /** The nil UUID when it is not known. */
  readonly targetUuid: string;
  readonly targetDomid: number;
  /** Empty when it is not known. */
  readonly qemuVersion: string;
  /** Empty when it is not known. */
  readonly machineType: string;
}

/** Options of {@link stateToSend}. */
export interface SendableOptions {
  /** Whether to accept bytes that are not a QEMU state. */
  readonly opaque: boolean;
  /** Whether a statefile is unpacked even with `opaque`. dom0 does so, because it restores what was saved. */
  readonly unpack: boolean;
  /** Whether to send the digests of the whole state in addition to the chain. */
  readonly sha256: boolean;
  readonly provenance: Provenance;
}

/**
 * Waits for the first bytes of `source` and recognises the state. A statefile is unpacked, and its own BEGIN record is
 * kept.
 *
 * @param where the name of the source, for messages
 * @throws StubferryError NOT_A_STATE: when the source is not a state; other codes: when the state is invalid or cannot
 * be read
 */
export async function stateToSend(source: StateSource, where: string, options: SendableOptions): Promise<StateToSend> {
  const { sha256, provenance } = options;
  const fresh = { ...provenance, stubferryVersion: VERSION, createdMs: Date.now(), sha256 };
  if (options.opaque && !options.unpack) return { source, begin: { ...fresh, kind: 'opaque' } };
  const front = new Uint8Array(STATEFILE_MAGIC.length);
  const pushback = new PushbackSource(front.subarray(0, await readFully(source, front)), source);
  const isStatefile = Buffer.from(front).toString('latin1') === STATEFILE_MAGIC;
  if (options.opaque && !isStatefile) return { source: pushback, begin: { ...fresh, kind: 'opaque' } };
  const state = await recogniseState(pushback, where);
  if (state.format === 'transfer-disk') {
    throw new StubferryError('NOT_A_STATE', 'this is a transfer disk, not a state', {
      where,
      hint: 'inspect it with: stubferry inspect',
    });
  }
  if (state.format === 'statefile') {
    const begin: BeginRecord = { ...state.reader.begin, sha256 };
    return { source: state.source, begin };
  }
  // A device state in a file is checked completely before any of it is sent. A migration stream can have many GiB, so
  // it is not read twice.
  const { seekable } = state.source;
  if (state.format === 'qevm' && state.start.kind === 'device-state' && seekable !== undefined)
    await checkState(seekable, where);
  const machineType = provenance.machineType === '' ? state.start.machineType : provenance.machineType;
  return {
    source: new EndMarkCheck(state.source, where),
    begin: { ...fresh, machineType, kind: state.start.kind },
  };
}
