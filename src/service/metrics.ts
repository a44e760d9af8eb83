/**
 * The metrics of the stubferry service, for Prometheus:
 *
 *     curl --unix-socket /run/stubferry/metrics.sock http://stubferry/metrics
 *
 * No label comes from a stubdom, and no label has a value for each target, so the number of series is bounded.
 */
import { createServer } from 'node:http';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Dom0Service } from './dom0-service.js';
import { listenExclusively } from './own-socket.js';
import { outcomeOf, type TransferView } from './transfer-view.js';

/** The buckets of the histogram, in seconds. A device state takes milliseconds, a migration stream may take minutes. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Counts the transfers of a service. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #ended: Counter;
  readonly #failed: Counter;
  readonly #bytes: Counter;
  readonly #seconds: Histogram;

  constructor(service: Pick<Dom0Service, 'subscribe' | 'underWay'>) {
    const registers = [this.#registry];
    this.#ended = new Counter({
      ...{ name: 'stubferry_transfers_total', help: 'Transfers that have ended.', registers },
      labelNames: ['direction', 'outcome'],
    });
    this.#failed = new Counter({
      ...{
        name: 'stubferry_transfer_failures_total',
        help: 'Transfers that have failed, by error code.',
        registers,
      },
      labelNames: ['direction', 'code'],
    });
    this.#bytes = new Counter({
      ...{ name: 'stubferry_transfer_bytes_total', help: 'Bytes of acknowledged states.', registers },
      labelNames: ['direction'],
    });
    this.#seconds = new Histogram({
      ...{
        name: 'stubferry_transfer_phase_seconds',
        help: 'Seconds from the start of a transfer until it reached a phase.',
        registers,
      },
      ...{ labelNames: ['direction', 'phase'], buckets: BUCKETS },
    });
    new Gauge({
      ...{ name: 'stubferry_transfers', help: 'Transfers that are under way.', registers },
      collect() {
        this.set(service.underWay);
      },
    });
    service.subscribe((view) => this.#count(view));
  }

  #count(view: TransferView): void {
    if (view.phase !== 'detached') return;
    const { direction, bytes, error, timings } = view;
    const outcome = outcomeOf(view) ?? 'failed';
    this.#ended.inc({ direction, outcome });
    if (error !== undefined) this.#failed.inc({ direction, code: error.code });
    if (outcome === 'ok') this.#bytes.inc({ direction }, bytes);
    for (const [phase, ms] of Object.entries(timings)) this.#seconds.observe({ direction, phase }, ms / 1000);
  }

  /** The metrics in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /**
   * Serves the metrics over HTTP on a unix socket of mode 0600.
   *
   * @throws StubferryError DESTINATION_UNWRITABLE: when the socket cannot be created
   */
  async listen(path: string): Promise<{ close(): Promise<void> }> {
    const server = createServer((request, response) => {
      if (request.url !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      void this.text().then((text) =>
        response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text),
      );
    });
    server.maxConnections = 8;
    const end = await listenExclusively(server, path);
    return {
      close: () => {
        server.closeAllConnections();
        return end();
      },
    };
  }
}
