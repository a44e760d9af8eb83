/** Runs the stubferry service until a signal stops it. */
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

/**
 * The default limit of a state, in bytes. A device state under Xen has some KiB to some tens of MiB, and the limit
 * bounds how much of dom0 a broken stubdom can fill.
 */
const LARGEST_STATE = 256 * 1024 * 1024;

/**
 * Runs the service.
 *
 * @returns the exit status, 0 when a signal stopped the service
 * @throws StubferryError: the service cannot start, or lost its connection to xenstore
 */
export async function runDom0Service(
  { signal, log }: CommandContext,
  options: AgentOptions & ServiceCommandOptions & { readonly attach?: AttachOption },
  command: Command,
): Promise<number> {
  const { transferDir, stateDir, maxTransfers: mostTransfers, transferTimeout, preparedTimeout, eventsFd } = options;
  const lost = new AbortController();
  const path = options.xenstore;
  // The signal does not close the connection: the service needs xenstore to detach the disks when it stops.
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
    let why = new StubferryError('INTERNAL', 'the stubferry service has ended');
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
        ...{ xenstore: xenstore.path, underWay: service.underWay, followers: service.subscribers, mostTransfers },
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
      why = new StubferryError('CANCELLED', `the stubferry service was ${why.message}`, {
        hint: 'start the transfer again',
      });
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
