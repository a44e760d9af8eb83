/**
 * The endpoint of a transfer in dom0: the destination of a save, or the state for a restore. Its errors are reported
 * before the disk is made, as far as possible.
 */

import { untilAborted } from '../../base/time/until-aborted.js';
import { WRITER } from '../../base/version.js';
import type { StateSource } from '../../formats/state-source.js';
import { StatefileSink } from '../../formats/statefile/index.js';
import { type FileIdentity, openSource, outputFor, PreOpenedOutput, RawSink } from '../../io/index.js';
import type { StateToSend } from '../../transfer/index.js';
import type { AgentContext } from '../agent-context.js';
import type { PreparedTask } from '../run-transfer.js';
import { type Provenance, stateToSend } from '../state-to-send.js';

/** The part of dom0 in a transfer. */
export type Dom0Work =
  | {
      readonly direction: 'save';
      /** A file, a FIFO, or `-` for standard output. */
      readonly output: string;
      /** Whether to write the bare state instead of a statefile. */
      readonly raw: boolean;
      /** Whether a file at the destination may be replaced. */
      readonly replace: boolean;
      /** See {@link OutputOptions.spoolDirectory}. */
      readonly spoolDirectory: string;
      /** The maximum size of the spool, in bytes. */
      readonly spoolLimit: number;
    }
  | {
      readonly direction: 'restore';
      /** A file, a FIFO, or `-` for standard input. */
      readonly input: string;
      /** See {@link SendableOptions.opaque}. */
      readonly opaque: boolean;
      /** See {@link SendableOptions.sha256}. */
      readonly sha256: boolean;
    };

/**
 * Opens the endpoint.
 * @throws StubferryError DESTINATION_EXISTS, DESTINATION_UNWRITABLE, ...: when the destination cannot be opened;
 * INPUT_UNREADABLE, NOT_A_STATE, ...: when the input cannot be opened or is not a state
 */
export function prepareDom0Endpoint(
  work: Dom0Work,
  { transferUuid, provenance }: { readonly transferUuid: string; readonly provenance: Provenance },
  context: AgentContext,
): Promise<PreparedTask> {
  return work.direction === 'save' ? receiving(work, transferUuid, context) : sending(work, provenance, context);
}

async function receiving(
  { output, raw, replace, spoolDirectory, spoolLimit }: Extract<Dom0Work, { direction: 'save' }>,
  transferUuid: string,
  context: AgentContext,
): Promise<PreparedTask> {
  const readerMs = context.timeouts.absentMs;
  const onPublish = (file: FileIdentity): void => context.onEvent({ event: 'publishing', file });
  const open = await outputFor(output, { transferUuid, replace, onPublish, spoolDirectory, spoolLimit, readerMs });
  const preOpened = await PreOpenedOutput.prepare(open);
  const sink = raw ? new RawSink(preOpened.open) : new StatefileSink(preOpened.open, { transferUuid, writer: WRITER });
  return { task: { role: 'receiver', open: async () => sink }, close: () => preOpened.close() };
}

async function sending(
  { input, opaque, sha256 }: Extract<Dom0Work, { direction: 'restore' }>,
  provenance: Provenance,
  context: AgentContext,
): Promise<PreparedTask> {
  const source: StateSource = await openSource(input);
  const open = (): Promise<StateToSend> => stateToSend(source, input, { opaque, unpack: true, sha256, provenance });
  // Opaque bytes cannot be invalid, so the agent does not wait for them before it makes the disk.
  if (opaque) return { task: { role: 'sender', open }, close: () => source.close() };
  try {
    // The state is recognised now, so that an invalid one is reported before the disk is made.
    const state = await untilAborted(context.signal, open());
    return { task: { role: 'sender', open: async () => state }, close: () => state.source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}
