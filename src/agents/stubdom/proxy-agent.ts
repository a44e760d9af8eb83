/**
 * The stubdom's agent as a service: the proxy of the toolstack, one transfer for each save.
 *
 *     start -> warmUp ---------> wait --save command--> disk, dom0's agent -> QEMU writes -> COMMITTED --reply--> wait
 *          '-> restore, warmUp --^  ^                                    '--error: the reply says why--'
 *
 * What must be made for a save is made before the toolstack asks for one. But a guest that was restored stands still until the toolstack's
 * `cont`, which libxl waits 10 s for: the proxy opens before the warm-up then (3 to 5 s of it, under emulation).
 */
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/until-aborted.js';
import { type ListMedia, type ProxyEvents, QmpProxy } from '../../qemu/proxy/index.js';
import type { AgentContext, AgentLife } from '../agent-context.js';
import { warmUp } from '../warm-up/warm-up.js';
import { FirstRestore } from './first-restore.js';
import { ProxySaves, type SavesJob } from './proxy-saves.js';
import type { StubdomJob } from './stubdom-agent.js';

export interface ProxyJob extends SavesJob {
  /** Socket to listen on for the toolstack. */
  readonly listen: string;
  /** The guest's disks, of which a toolstack may put one into a drive of QEMU's. */
  readonly listMedia: ListMedia;
  /** What QEMU waits for at its start; undefined when it was started without `-incoming`. */
  readonly restore: StubdomJob | undefined;
}

/** Runs until the context's signal is aborted. @throws StubferryError GATE_UNUSABLE, DISK_HUNG, and why the restore failed */
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
      return await untilAborted(context.signal, saves.worn);
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
 * Who comes and goes is nothing to tell, four times for a save; who did not go as he should have is. Once in a row: a client that stays and asks
 * nothing (socat, say) is given a new connection by Xen's proxy each time that its own is ended.
 */
export function logProxyEvents(proxy: string, { log }: Pick<AgentContext, 'log'>): (news: ProxyEvents) => void {
  let [isIdle, wasIdle] = [false, false];
  return (news) => {
    if (news === 'disconnected') [isIdle, wasIdle] = [false, isIdle];
    if (news === 'idle') isIdle = true;
    if (news === 'idle' && !wasIdle) log.info({ proxy }, 'the toolstack asks nothing more: its connection is ended');
    else if (news === 'refused') log.warn({ proxy }, 'another toolstack was told that the proxy is in use');
    else log.debug({ proxy }, `toolstack ${news}`);
  };
}

/** Without a list, the toolstack hears what QEMU says. */
async function listMedia(job: ProxyJob, { log }: AgentContext): ReturnType<ListMedia> {
  try {
    return await job.listMedia();
  } catch (error) {
    log.warn({ error: StubferryError.from(error).report() }, 'no medium of a drive can be changed');
    return [];
  }
}
