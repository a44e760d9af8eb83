/** Where the state of a restore goes, in the stubdom: a path, or a QEMU that is watched while it loads. */
import { type FileIdentity, outputFor, RawSink, ReadyOutput, SpooledOutput } from '../endpoints/index.js';
import { IncomingQemu, incomingStream, LoadingOutput } from '../qemu/index.js';
import type { StateSink } from '../transfer/index.js';
import type { AgentContext } from './agent-context.js';

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

export interface RestoringEnd {
  /** Called when there is a disk. */
  sinkFor(transferUuid: string): Promise<StateSink>;
  close(): Promise<void>;
}

/** @throws StubferryError DESTINATION_UNWRITABLE, QMP_UNREACHABLE, QEMU_UNSUITED, ... */
export async function prepareRestoring(
  to: RestoreTo,
  spool: SpoolOptions,
  context: AgentContext,
): Promise<RestoringEnd> {
  return 'path' in to ? restoringToPath(to, spool, context) : restoringToQemu(to, spool, context);
}

function restoringToPath(
  { path, replace }: Extract<RestoreTo, { path: string }>,
  { spoolFolder, spoolLimit }: SpoolOptions,
  context: AgentContext,
): RestoringEnd {
  let ready: ReadyOutput | undefined;
  return {
    sinkFor: async (transferUuid) => {
      const readerMs = context.timeouts.absentMs;
      const onPublish = (file: FileIdentity): void => context.onEvent({ event: 'publishing', file });
      ready = await ReadyOutput.prepare(
        await outputFor(path, { transferUuid, replace, onPublish, spoolFolder, spoolLimit, readerMs }),
      );
      return new RawSink(ready.open);
    },
    close: async () => ready?.close(),
  };
}

async function restoringToQemu(
  { incoming, qmp, qemuLog }: Extract<RestoreTo, { incoming: string }>,
  { spoolFolder, spoolLimit }: SpoolOptions,
  { timeouts, signal, onEvent }: AgentContext,
): Promise<RestoringEnd> {
  const openStream = await incomingStream(incoming, timeouts.absentMs);
  const qemu = await IncomingQemu.connect({ qmp, log: qemuLog, patienceMs: timeouts.absentMs, signal });
  let ready: ReadyOutput | undefined;
  return {
    sinkFor: async (transferUuid) => {
      ready = await ReadyOutput.prepare(async () => {
        const feed = await SpooledOutput.open({ folder: spoolFolder, limit: spoolLimit, transferUuid }, openStream);
        return new LoadingOutput(feed, qemu, (status) => onEvent({ event: 'guest', status }));
      });
      return new RawSink(ready.open);
    },
    close: async () => {
      await ready?.close();
      qemu.close();
    },
  };
}
