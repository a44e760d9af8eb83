/**
 * The stubdom agent with the QMP proxy: it runs until it is stopped and makes one transfer for each save.
 *
 *     start --> warm-up ------------> idle --save command--> disk --> QEMU writes --> COMMITTED --reply--> idle
 *          '--> restore, warm-up -----^                       '----------'--any failure: error reply-------^
 *
 * Whatever a save needs is made before the toolstack requests the save. After a restore, however, the guest is stopped
 * until the toolstack sends `cont`, and libxl waits 10 s for the reply. In that case the proxy serves the toolstack
 * before the warm-up, which takes 3 to 5 s under emulation.
 */
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/until-aborted.js';
import { type ListMedia, type ProxyEvents, QmpProxy } from '../../qemu/proxy/index.js';
import type { AgentContext, AgentLife } from '../agent-context.js';
import { warmUp } from '../warm-up/warm-up.js';
import { FirstRestore } from './first-restore.js';
import { ProxySaves, type SavesJob } from './proxy-saves.js';
import type { StubdomJob } from './stubdom-agent.js';

/** The job of a stubdom agent with the QMP proxy. */
export interface ProxyJob extends SavesJob {
  /** The socket on which the proxy listens for the toolstack. */
  readonly listen: string;
  /** Lists the guest's disks. The toolstack may insert one of them into a drive of QEMU. */
  readonly listMedia: ListMedia;
  /** The restore for which QEMU waits at its start. Undefined when QEMU was started without `-incoming`. */
  readonly restore: StubdomJob | undefined;
}

/**
 * Runs until the signal of the context is aborted.
 * @throws StubferryError PROXY_UNUSABLE: when the proxy cannot listen; DISK_HUNG: when a disk hangs; the reason for
 * which the restore failed; the reason of the signal
 */
export async function runProxyAgent(job: ProxyJob, context: AgentLife): Promise<never> {
  const restore = job.restore === undefined ? undefined : new FirstRestore(job.restore, context);
  try {
    return await runProxy(job, restore, context);
  } catch (error) {
    await restore?.close(error);
    throw error;
  }
}

async function runProxy(job: ProxyJob, restore: FirstRestore | undefined, context: AgentLife): Promise<never> {
  const saves = await ProxySaves.prepare(job, context);
  try {
    let open: () => void = () => undefined;
    const opening = new Promise<void>((resolve) => {
      open = resolve;
    });
    const proxy = await QmpProxy.listen({
      listen: job.listen,
      qemu: job.qmp,
      onSave: (request) => saves.run(request),
      listMedia: () => listMedia(job, context),
      onNews: logProxyEvents(job.listen, context),
      waitMs: context.timeouts.absentMs,
      opening,
    });
    context.onEvent({ event: 'listening', proxy: job.listen });
    let reason: unknown;
    try {
      if (restore !== undefined) await saves.after(restore);
      else if (context.warmsUp) await warmUp(context.log);
      open();
      if (restore !== undefined && context.warmsUp) await warmUp(context.log);
      return await untilAborted(context.signal, saves.unusable);
    } catch (error) {
      reason = error;
      throw error;
    } finally {
      await proxy.close(StubferryError.from(reason));
    }
  } finally {
    await saves.close();
  }
}

/**
 * Returns a function that logs the events of the proxy. A toolstack connects and disconnects four times for a save, so
 * that is only a debug message. A toolstack that the proxy disconnects because it is idle is an info message, once in a
 * row: when an idle client stays (socat, for example), Xen's proxy opens a new connection for it each time.
 */
export function logProxyEvents(proxy: string, { log }: Pick<AgentContext, 'log'>): (event: ProxyEvents) => void {
  let [isIdle, wasIdle] = [false, false];
  return (event) => {
    if (event === 'disconnected') [isIdle, wasIdle] = [false, isIdle];
    if (event === 'idle') isIdle = true;
    if (event === 'idle' && !wasIdle) log.info({ proxy }, 'the proxy disconnects an idle toolstack');
    else if (event === 'refused') log.warn({ proxy }, 'another toolstack was refused, because the proxy is in use');
    else log.debug({ proxy }, `toolstack ${event}`);
  };
}

/** Lists the media. When that fails, the list is empty, and the toolstack receives QEMU's own reply. */
async function listMedia(job: ProxyJob, { log }: AgentContext): ReturnType<ListMedia> {
  try {
    return await job.listMedia();
  } catch (error) {
    log.warn(
      { error: StubferryError.from(error).report() },
      'cannot list the disks of the guest: no medium of a drive can be changed',
    );
    return [];
  }
}
