/** The target of a restored state in the stubdom: a path, or a QEMU that is observed while it loads the state. */

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

/** The target of a restore, as named by a job. */
export type RestoreTo =
  | {
      /** A file, a FIFO, or `-` for standard output. */
      readonly path: string;
      /** Whether a file at `path` may be replaced. */
      readonly replace: boolean;
    }
  | {
      /** See {@link incomingStream}. */
      readonly incoming: string;
      /** The socket of QEMU's monitor. */
      readonly qmp: string;
      /** The file that contains QEMU's standard error. */
      readonly qemuLog: string | undefined;
    };

/** Options for the spool, which keeps a state until it is verified. */
export interface SpoolOptions {
  /** The directory of the spool. */
  readonly spoolDirectory: string;
  /** The maximum size of the spool, in bytes. */
  readonly spoolLimit: number;
}

/**
 * Opens the sink, and waits for the QEMU that loads the state. It must be called after the link is open, so that dom0
 * receives the reason of a failure.
 * @throws StubferryError QMP_UNREACHABLE: when QEMU's monitor cannot be reached; QEMU_UNSUITED, ...: when this QEMU
 * cannot load a state
 */
export type OpenSink = () => Promise<StateSink>;

/** A prepared target of a restore. */
export interface RestoreTarget {
  /** Aborted with the reason as soon as it is known that the target cannot receive a state. */
  readonly failed: AbortSignal;
  /**
   * Opens a path. It must be called when the disk was found, before anything is written to it: an agent that is
   * restarted after the state has arrived finds the file at the path, and must not report that to dom0 as a failure.
   * @throws StubferryError DESTINATION_EXISTS: when the file exists and may not be replaced; DESTINATION_UNWRITABLE,
   * ...: when the path cannot be opened
   */
  prepare(transferUuid: string): Promise<OpenSink>;
  /** Releases the target. */
  close(): Promise<void>;
}

/**
 * Prepares the target of a restore and returns synchronously. The wait for a QEMU that is still starting runs while the
 * disk is requested.
 */
export function prepareRestoreTarget(to: RestoreTo, spool: SpoolOptions, context: AgentContext): RestoreTarget {
  return 'path' in to ? pathRestoreTarget(to, spool, context) : qemuRestoreTarget(to, spool, context);
}

function pathRestoreTarget(
  { path, replace }: Extract<RestoreTo, { path: string }>,
  { spoolDirectory, spoolLimit }: SpoolOptions,
  context: AgentContext,
): RestoreTarget {
  let output: PreOpenedOutput | undefined;
  return {
    failed: new AbortController().signal,
    prepare: async (transferUuid) => {
      const readerMs = context.timeouts.absentMs;
      const onPublish = (file: FileIdentity): void => context.onEvent({ event: 'publishing', file });
      output = await PreOpenedOutput.prepare(
        await outputFor(path, { transferUuid, replace, onPublish, spoolDirectory, spoolLimit, readerMs }),
      );
      const sink = new RawSink(output.open);
      return async () => sink;
    },
    close: async () => output?.close(),
  };
}

function qemuRestoreTarget(
  to: Extract<RestoreTo, { incoming: string }>,
  { spoolDirectory, spoolLimit }: SpoolOptions,
  { timeouts, signal, onEvent }: AgentContext,
): RestoreTarget {
  const [failure, closing] = [new AbortController(), new AbortController()];
  const connecting = connectIncoming(to, timeouts.absentMs, AbortSignal.any([signal, closing.signal]));
  connecting.catch((error: unknown) => failure.abort(error));
  let output: PreOpenedOutput | undefined;
  return {
    failed: failure.signal,
    prepare: async (transferUuid) => async () => {
      const { qemu, openStream } = await connecting;
      output = await PreOpenedOutput.prepare(async () => {
        const spooled = await SpooledOutput.open(
          { directory: spoolDirectory, limit: spoolLimit, transferUuid },
          openStream,
        );
        return new LoadingOutput(spooled, qemu, (status) => onEvent({ event: 'guest', status }));
      });
      return new RawSink(output.open);
    },
    close: async () => {
      closing.abort(new StubferryError('CANCELLED', 'the restore has ended', { where: to.qmp }));
      await output?.close();
      (await connecting.catch(() => undefined))?.qemu.close();
    },
  };
}

/** Connects to a QEMU that waits for its state. `openStream` opens the stream on which QEMU waits. */
async function connectIncoming(
  { incoming, qmp, qemuLog: log }: Extract<RestoreTo, { incoming: string }>,
  waitMs: number,
  signal: AbortSignal,
): Promise<{ readonly qemu: IncomingQemu; readonly openStream: () => Promise<StreamOutput> }> {
  // The monitor comes first: QEMU replies on it only when it listens for its state as well.
  const qemu = await IncomingQemu.connect({ qmp, log, waitMs, signal });
  try {
    return { qemu, openStream: await incomingStream(incoming, waitMs) };
  } catch (error) {
    qemu.close();
    throw error;
  }
}
