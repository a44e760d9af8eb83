/** Runs dom0's agent as a service until it is stopped by a signal. */
import type { Command } from 'commander';
import { driverFor, eventWriter, warmUp } from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';
import { systemClock, untilAborted } from '../../base/time/index.js';
import { VERSION } from '../../base/version.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { ControlServer, Dom0Service, Metrics, type ServiceStatus } from '../../service/index.js';
import { XenstoreClient } from '../../xen/xenstore/index.js';
import type { CommandContext } from '../command-context.js';
import type { ServiceCommandOptions } from '../options/service-options.js';
import { type AttachOption, timeoutsFrom } from '../options/transfer-options.js';
import type { AgentOptions } from './run-agent.js';

/** A device state of Xen has some KiB to some tens of MiB; what a broken stubdom can fill in dom0 should not be more than it must. */
const LARGEST_STATE = 256 * 1024 * 1024;

/** @returns the exit status: 0 when it was stopped. @throws StubferryError */
export async function runDom0Service(
  { signal, log }: CommandContext,
  options: AgentOptions & ServiceCommandOptions & { readonly attach?: AttachOption },
  command: Command,
): Promise<number> {
  const { transferDir, stateDir, maxTransfers: mostTransfers, transferTimeout, preparedTimeout, eventsFd } = options;
  const lost = new AbortController();
  const path = options.xenstore;
  // Not with the signal: what is attached is detached by xenstore when the service has been told to end.
  const xenstore = await untilAborted(signal, XenstoreClient.connect(path === undefined ? {} : { path }));
  try {
    if (options.warmUp) await warmUp(log);
    const driver = driverFor(options.attach ?? 'xen', xenstore);
    const given = command.getOptionValueSource('maxState') !== 'default';
    const service = await Dom0Service.start({
      ...{ xenstore, driver, transferDir, stateDir, mostTransfers, log, clock: systemClock },
      timeouts: timeoutsFrom(options),
      limits: {
        ringLength: options.ring,
        maxPayload: options.frame,
        maxState: given ? options.maxState : Math.min(LARGEST_STATE, LIMITS.state.default),
        lifetimeMs: transferTimeout,
        preparedMs: preparedTimeout,
      },
    });
    let why = new StubferryError('INTERNAL', "dom0's agent came to an end");
    const closing: (() => Promise<void>)[] = [() => service.stop(why)];
    try {
      const metrics = new Metrics(service);
      if (options.metrics !== undefined) {
        const listening = await metrics.listen(options.metrics);
        closing.push(() => listening.close());
      }
      const status = (): ServiceStatus => ({
        ...{
          version: VERSION,
          pid: process.pid,
          startedAt: service.startedAt,
          driver: driver.name,
          transferDir,
          stateDir,
        },
        ...{ xenstore: xenstore.path, underWay: service.underWay, followers: service.followers, mostTransfers },
      });
      const control = await ControlServer.listen(options.control, service, status);
      closing.push(() => control.close());
      log.info(status(), 'serving');
      if (eventsFd !== undefined) eventWriter(eventsFd)({ event: 'serving', control: options.control });
      void xenstore.closed.then((reason) => lost.abort(reason));
      await stopped(signal, lost.signal);
    } catch (error) {
      why = StubferryError.from(error);
      if (why.code !== 'CANCELLED') throw error;
      why = new StubferryError('CANCELLED', `dom0's agent was ${why.message}`, { hint: 'start the transfer again' });
      return 0;
    } finally {
      for (const close of closing.reverse()) await close();
    }
    return 0;
  } finally {
    await xenstore.close();
  }
}

function stopped(...signals: readonly AbortSignal[]): Promise<never> {
  const signal = AbortSignal.any([...signals]);
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}
