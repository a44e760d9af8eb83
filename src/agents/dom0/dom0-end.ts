/** Dom0's end of a transfer: where a save goes, what a restore takes. What can be refused of it is refused before there is a disk. */

import { untilAborted } from '../../base/time/until-aborted.js';
import { WRITER } from '../../base/version.js';
import type { StateSource } from '../../formats/state-source.js';
import { StatefileSink } from '../../formats/statefile/index.js';
import { type FileIdentity, openSource, outputFor, PreOpenedOutput, RawSink } from '../../io/index.js';
import type { StateToSend } from '../../transfer/index.js';
import type { AgentContext } from '../agent-context.js';
import type { PreparedTask } from '../run-transfer.js';
import { type Provenance, stateToSend } from '../state-to-send.js';

export type Dom0Work =
  | {
      readonly direction: 'save';
      /** File, FIFO or `-`. */
      readonly output: string;
      /** The bare state instead of a statefile. */
      readonly raw: boolean;
      readonly replace: boolean;
      readonly spoolFolder: string;
      readonly spoolLimit: number;
    }
  | {
      readonly direction: 'restore';
      /** File, FIFO or `-`. */
      readonly input: string;
      readonly opaque: boolean;
      readonly sha256: boolean;
    };

/** @throws StubferryError DESTINATION_EXISTS, DESTINATION_UNWRITABLE, INPUT_UNREADABLE, NOT_A_STATE, ... */
export function prepareDom0End(
  work: Dom0Work,
  { transferUuid, provenance }: { readonly transferUuid: string; readonly provenance: Provenance },
  context: AgentContext,
): Promise<PreparedTask> {
  return work.direction === 'save' ? receiving(work, transferUuid, context) : sending(work, provenance, context);
}

async function receiving(
  { output, raw, replace, spoolFolder, spoolLimit }: Extract<Dom0Work, { direction: 'save' }>,
  transferUuid: string,
  context: AgentContext,
): Promise<PreparedTask> {
  const readerMs = context.timeouts.absentMs;
  const onPublish = (file: FileIdentity): void => context.onEvent({ event: 'publishing', file });
  const open = await outputFor(output, { transferUuid, replace, onPublish, spoolFolder, spoolLimit, readerMs });
  const ready = await PreOpenedOutput.prepare(open);
  const sink = raw ? new RawSink(ready.open) : new StatefileSink(ready.open, { transferUuid, writer: WRITER });
  return { task: { role: 'receiver', open: async () => sink }, close: () => ready.close() };
}

async function sending(
  { input, opaque, sha256 }: Extract<Dom0Work, { direction: 'restore' }>,
  provenance: Provenance,
  context: AgentContext,
): Promise<PreparedTask> {
  const source: StateSource = await openSource(input);
  const open = (): Promise<StateToSend> => stateToSend(source, input, { opaque, unpack: true, sha256, provenance });
  // Nothing can be refused of opaque bytes, so they are not waited for before there is a disk.
  if (opaque) return { task: { role: 'sender', open }, close: () => source.close() };
  try {
    // Recognised here and now, so that what is no state is refused before there is a disk.
    const state = await untilAborted(context.signal, open());
    return { task: { role: 'sender', open: async () => state }, close: () => state.source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}
