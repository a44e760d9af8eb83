/** Makes the tables of a run from its stored document. */
import { type Contender, NAMES, type Results, RING_STATE_MIB, type SideCosts } from './results.js';
import { median, quantile, rates, ratios, spread } from './statistics.js';

export interface Table {
  readonly title: string;
  /** The first row contains the column titles. */
  readonly rows: readonly (readonly string[])[];
}

const MIB = 2 ** 20;

export function tables(results: Results): Table[] {
  const all = [
    targetsTable(results),
    flowTable(results),
    sizeTable(results),
    ringTable(results),
    latencyTable(results),
  ];
  return [...all, idleTable(results), ...proxyTable(results), ...migrationTable(results)];
}

/** Formats a table as plain text with aligned columns. */
export function tableText({ title, rows }: Table): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return `${title}\n${rows.map((row) => `  ${line(row).trimEnd()}`).join('\n')}\n`;
}

const byName = ({ flow }: Results, name: string): Contender | undefined =>
  flow.contenders.find((one) => one.name === name);

function flowTable(results: Results): Table {
  const { flow } = results;
  const pipe = byName(results, NAMES.pipe)?.ms ?? [];
  return {
    title: `${flow.mib} MiB, tmpfs to /dev/null, ${pipe.length} rounds in turn`,
    rows: [
      ['', 'GiB/s: median (range)', 'ratio to the pipe', 'CPU s/GiB: stubdom + dom0'],
      ...flow.contenders.map(({ name, ms, costs }) => [
        name,
        spread(rates(flow.mib * MIB, ms)),
        spread(ratios(ms, pipe)),
        costs === undefined ? '' : cpuPerGib(costs, flow.mib * MIB),
      ]),
    ],
  };
}

function cpuPerGib(costs: readonly SideCosts[], bytes: number): string {
  const seconds = (side: 'sender' | 'receiver'): string =>
    (median(costs.map((cost) => cost[side].cpuMs)) / 1000 / (bytes / 2 ** 30)).toFixed(2);
  return `${seconds('sender')} + ${seconds('receiver')}`;
}

export function peakMib(costs: readonly SideCosts[], side: 'sender' | 'receiver'): number {
  return Math.max(...costs.map((cost) => cost[side].peakKib)) / 1024;
}

function sizeTable({ sizes }: Results): Table {
  const isLarge = (bytes: number): boolean => bytes >= 64 * MIB;
  return {
    title: 'Against the size of the state, with the chain alone',
    rows: [
      [
        'state',
        'ms: median (range)',
        'GiB/s',
        'ratio to the pipe',
        'CPU s/GiB: stubdom + dom0',
        'peak MiB: stubdom, dom0',
      ],
      ...sizes.map(({ bytes, ms, pipeMs, costs }) => [
        bytesText(bytes),
        spread(ms, 1),
        median(rates(bytes, ms)).toFixed(2),
        median(ratios(ms, pipeMs)).toFixed(2),
        isLarge(bytes) ? cpuPerGib(costs, bytes) : '',
        `${peakMib(costs, 'sender').toFixed(0)}, ${peakMib(costs, 'receiver').toFixed(0)}`,
      ]),
    ],
  };
}

function ringTable({ rings }: Results): Table {
  return {
    title: `Against the size of the ring, ${RING_STATE_MIB} MiB with the chain alone`,
    rows: [
      ['ring', 'GiB/s: median (range)'],
      ...rings.map(({ mib, ms }) => [bytesText(mib * MIB), spread(rates(RING_STATE_MIB * MIB, ms))]),
    ],
  };
}

/** The number of samples that the p999 quantile needs. */
const SAMPLES_FOR_P999 = 1000;

function latencyTable({ latency }: Results): Table {
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  return {
    title: 'First byte offered to COMMITTED, both agents waiting, a pair for each sample',
    rows: [
      ['', 'bytes', 'samples', 'p50', 'p99', 'p999', 'worst'],
      ...latency.map(({ name, bytes, samples }) => [
        name,
        `${bytes}`,
        `${samples.length}`,
        ms(median(samples)),
        ms(quantile(samples, 0.99)),
        samples.length < SAMPLES_FOR_P999 ? '-' : ms(quantile(samples, 0.999)),
        ms(Math.max(...samples)),
      ]),
    ],
  };
}

function idleTable({ idle }: Results): Table {
  const percent = (ms: number, seconds: number): string => `${(ms / seconds / 10).toFixed(1)} %`;
  return {
    title: 'Processor time of a waiting pair, of one core',
    rows: [
      ['', 'stubdom', 'dom0', 'both'],
      ...idle.map(({ name, seconds, stubdomMs, dom0Ms }) => [
        name,
        percent(stubdomMs, seconds),
        percent(dom0Ms, seconds),
        percent(stubdomMs + dom0Ms, seconds),
      ]),
    ],
  };
}

function proxyTable({ proxy }: Results): Table[] {
  if (proxy === undefined) return [];
  const more = proxy.proxy.map((through, index) => through - (proxy.plainFile[index] ?? Number.NaN));
  const title = `QMP save command to its reply, ${proxy.bytes} bytes of device state, ${proxy.proxy.length} saves each in turn`;
  return [
    {
      title,
      rows: [
        ['', 'ms: median (range)', 'difference'],
        ['QEMU to a plain file on tmpfs', spread(proxy.plainFile), ''],
        ['through the proxy, COMMITTED in dom0', spread(proxy.proxy), `${median(more).toFixed(2)} ms`],
      ],
    },
  ];
}

function migrationTable({ migration }: Results): Table[] {
  if (migration === undefined) return [];
  const { mib, exec, ours } = migration;
  const row = (name: string, ms: readonly number[]): string[] => {
    return [name, spread(rates(mib * MIB, ms)), spread(ratios(ms, exec))];
  };
  return [
    {
      title: `A machine with its RAM, ${mib.toFixed(0)} MiB from QEMU to a file on tmpfs, ${exec.length} rounds in turn`,
      rows: [
        ['', 'GiB/s: median (range)', 'ratio'],
        row('QEMU migrate exec:cat > FILE, until QEMU reports completed', exec),
        row('stubferry with SHA-256, until COMMITTED', ours),
      ],
    },
  ];
}

/** The table of targets and measured values, and whether each target is met. */
export function targetsTable(results: Results): Table {
  const chain = byName(results, NAMES.chainLoop) ?? byName(results, NAMES.chainFile);
  const pipe = byName(results, NAMES.pipe)?.ms ?? [];
  const [write, read] = [byName(results, NAMES.directWrite)?.ms, byName(results, NAMES.directRead)?.ms];
  const rows: string[][] = [['target', 'wanted', 'measured', '']];
  const judge = (target: string, wanted: string, measured: number, isMet: boolean, unit = ''): void => {
    if (!Number.isNaN(measured))
      rows.push([target, wanted, `${measured.toFixed(2)}${unit}`, isMet ? 'met' : 'not met']);
  };
  const toPipe = median(ratios(chain?.ms ?? [], pipe));
  judge('flow with the chain, ratio to the pipe', 'at least 1.5', toPipe, toPipe >= 1.5);
  if (write !== undefined && read !== undefined) {
    const slower = write.map((ms, round) => Math.max(ms, read[round] ?? Number.NaN));
    const toLimit = median(ratios(chain?.ms ?? [], slower));
    judge('the same, to the slower of direct write and read', 'at least 0.6', toLimit, toLimit >= 0.6);
  }
  const small = results.latency[0]?.samples ?? [];
  const [p50, p99] = [median(small), quantile(small, 0.99)];
  judge(`${results.latency[0]?.bytes} bytes, p50`, 'at most 3 ms', p50, p50 <= 3, ' ms');
  judge(`${results.latency[0]?.bytes} bytes, p99`, 'at most 10 ms', p99, p99 <= 10, ' ms');
  const [waiting] = results.idle;
  const idle = waiting === undefined ? Number.NaN : (waiting.stubdomMs + waiting.dom0Ms) / waiting.seconds / 10;
  judge('waiting pair, of a core', 'under 2 %', idle, idle < 2, ' %');
  const perGib = results.sizes
    .filter(({ bytes }) => bytes >= 64 * MIB)
    .map(({ bytes, costs }) => median(costs.map((c) => c.sender.cpuMs + c.receiver.cpuMs)) / bytes);
  const growth = (perGib.at(-1) ?? Number.NaN) / (perGib[0] ?? Number.NaN);
  const largest = bytesText(results.sizes.at(-1)?.bytes ?? 0);
  judge(`CPU per GiB, ${largest} against 64 MiB`, 'at most 1.1', growth, growth <= 1.1);
  const costs = results.sizes.flatMap((size) => size.costs);
  const peak = Math.max(peakMib(costs, 'sender'), peakMib(costs, 'receiver'));
  judge('peak resident memory of an agent', 'under 128 MiB', peak, peak < 128, ' MiB');
  return { title: 'Targets', rows };
}

export function bytesText(bytes: number): string {
  if (bytes >= 2 ** 30) return `${bytes / 2 ** 30} GiB`;
  return bytes >= MIB ? `${bytes / MIB} MiB` : `${bytes / 1024} KiB`;
}
