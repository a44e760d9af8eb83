/** Where the state of a restore goes, in the stubdom: a path, or a QEMU that is watched while it loads. */

import { StubferryError } from '../../base/errors/index.js';
import type { StateSink } from '../../formats/state-sink.js';
import {
  type FileIdentity,
  outputFor,
  PreOpenedOutput,
  RawSink,
  SpooledOutput,
  type StreamOutput,
} from '../../io/index.js';
import { IncomingQemu, incomingStream, LoadingOutput } from '../../qemu/index.js';
import type { AgentContext } from '../agent-context.js';

/** Whereto, as a job says it. */
export type RestoreTo =
  | {
      /** File, FIFO or `-`. */
      readonly path: string;
      readonly replace: boolean;
    }
  | {
      /** See {@link incomingStream}. */
      readonly incoming: string;
      /** Socket of QEMU's monitor. */
      readonly qmp: string;
      /** File with QEMU's standard error. */
      readonly qemuLog: string | undefined;
    };

export interface SpoolOptions {
  readonly spoolFolder: string;
  readonly spoolLimit: number;
}

/**
 * Called when the agent is on the disk, where dom0 is told why it fails; waits for the QEMU that is to be fed.
 * @throws StubferryError QMP_UNREACHABLE, QEMU_UNSUITED, ...
 */
export type OpenSink = () => Promise<StateSink>;

export interface RestoringEnd {
  /** Aborted, with the reason, as soon as it is known that no state can be restored to there. */
  readonly failed: AbortSignal;
  /**
   * Called when there is a disk, and nothing is written to it yet. A path is opened here: an agent that is started again after the state has
   * arrived finds the file there, and must not tell dom0 of that as of a failure.
   * @throws StubferryError DESTINATION_UNWRITABLE, DESTINATION_EXISTS, ...
   */
  prepare(transferUuid: string): Promise<OpenSink>;
  close(): Promise<void>;
}

/** Returns at once. A QEMU that is still starting is waited for while the disk is asked for. */
export function prepareRestoring(to: RestoreTo, spool: SpoolOptions, context: AgentContext): RestoringEnd {
  return 'path' in to ? restoringToPath(to, spool, context) : restoringToQemu(to, spool, context);
}

function restoringToPath(
  { path, replace }: Extract<RestoreTo, { path: string }>,
  { spoolFolder, spoolLimit }: SpoolOptions,
  context: AgentContext,
): RestoringEnd {
  let ready: PreOpenedOutput | undefined;
  return {
    failed: new AbortController().signal,
    prepare: async (transferUuid) => {
      const readerMs = context.timeouts.absentMs;
      const onPublish = (file: FileIdentity): void => context.onEvent({ event: 'publishing', file });
      ready = await PreOpenedOutput.prepare(
        await outputFor(path, { transferUuid, replace, onPublish, spoolFolder, spoolLimit, readerMs }),
      );
      const sink = new RawSink(ready.open);
      return async () => sink;
    },
    close: async () => ready?.close(),
  };
}

function restoringToQemu(
  to: Extract<RestoreTo, { incoming: string }>,
  { spoolFolder, spoolLimit }: SpoolOptions,
  { timeouts, signal, onEvent }: AgentContext,
): RestoringEnd {
  const [failure, closing] = [new AbortController(), new AbortController()];
  const connecting = connectIncoming(to, timeouts.absentMs, AbortSignal.any([signal, closing.signal]));
  connecting.catch((error: unknown) => failure.abort(error));
  let ready: PreOpenedOutput | undefined;
  return {
    failed: failure.signal,
    prepare: async (transferUuid) => async () => {
      const { qemu, openStream } = await connecting;
      ready = await PreOpenedOutput.prepare(async () => {
        const feed = await SpooledOutput.open({ folder: spoolFolder, limit: spoolLimit, transferUuid }, openStream);
        return new LoadingOutput(feed, qemu, (status) => onEvent({ event: 'guest', status }));
      });
      return new RawSink(ready.open);
    },
    close: async () => {
      closing.abort(new StubferryError('CANCELLED', 'the restore has ended', { where: to.qmp }));
      await ready?.close();
      (await connecting.catch(() => undefined))?.qemu.close();
    },
  };
}

/** A QEMU that waits for its state, and what opens the stream on which it waits. */
async function connectIncoming(
  { incoming, qmp, qemuLog: log }: Extract<RestoreTo, { incoming: string }>,
  waitMs: number,
  signal: AbortSignal,
): Promise<{ readonly qemu: IncomingQemu; readonly openStream: () => Promise<StreamOutput> }> {
  // The monitor comes first: QEMU answers on it only when it listens for its state, too.
  const qemu = await IncomingQemu.connect({ qmp, log, waitMs, signal });
  try {
    return { qemu, openStream: await incomingStream(incoming, waitMs) };
  } catch (error) {
    qemu.close();
    throw error;
  }
}
