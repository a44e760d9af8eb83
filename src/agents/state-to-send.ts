/** From an opened source to a state that can be sent: what it is, and what its BEGIN record says. */

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

/** What is known of a state beside its bytes. */
export interface Provenance {
  readonly targetUuid: string;
  readonly targetDomid: number;
  readonly qemuVersion: string;
  readonly machineType: string;
}

export interface SendableOptions {
  /** Move bytes that are no QEMU state. */
  readonly opaque: boolean;
  /** Even then, take a statefile for what it holds: dom0 restores what was saved. */
  readonly unpack: boolean;
  /** Send the digests of the whole state, not only the chain. */
  readonly sha256: boolean;
  readonly provenance: Provenance;
}

/**
 * Waits for the first bytes of `source`. A statefile is unpacked, and what its own BEGIN says is kept.
 * @throws StubferryError NOT_A_STATE and other refusals of a source that is not what it should be
 */
export async function stateToSend(source: StateSource, where: string, options: SendableOptions): Promise<StateToSend> {
  const { sha256, provenance } = options;
  const fresh = { ...provenance, stubferryVersion: VERSION, createdMs: Date.now(), sha256 };
  if (options.opaque && !options.unpack) return { source, begin: { ...fresh, kind: 'opaque' } };
  const front = new Uint8Array(STATEFILE_MAGIC.length);
  const peeked = new PushbackSource(front.subarray(0, await readFully(source, front)), source);
  const isStatefile = Buffer.from(front).toString('latin1') === STATEFILE_MAGIC;
  if (options.opaque && !isStatefile) return { source: peeked, begin: { ...fresh, kind: 'opaque' } };
  const state = await recogniseState(peeked, where);
  if (state.format === 'transfer-disk') {
    throw new StubferryError('NOT_A_STATE', 'this is a transfer disk, not a state', {
      where,
      hint: 'look at it with: stubferry inspect',
    });
  }
  if (state.format === 'statefile') {
    const begin: BeginRecord = { ...state.reader.begin, sha256 };
    return { source: state.source, begin };
  }
  // A state that lies in a file is read before anything of it is sent. A migration stream of many GiB is not read twice.
  const { seekable } = state.source;
  if (state.format === 'qevm' && state.start.kind === 'device-state' && seekable !== undefined)
    await checkState(seekable, where);
  const machineType = provenance.machineType === '' ? state.start.machineType : provenance.machineType;
  return {
    source: new EndMarkCheck(state.source, where),
    begin: { ...fresh, machineType, kind: state.start.kind },
  };
}
