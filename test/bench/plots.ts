/** Draws the plots of a run from its stored document. */
import { lineChart } from './line-chart.js';
import { type Results, RING_STATE_MIB, type SideCosts } from './results.js';
import { median, rates } from './statistics.js';
import { bytesText, peakMib } from './tables.js';

export interface Plot {
  /** The file name in docs/bench/. */
  readonly file: string;
  /** The alternative text for readers who cannot see the plot. */
  readonly description: string;
  readonly svg: string;
}

const MIB = 2 ** 20;

export function plots(results: Results): Plot[] {
  return [sizePlot(results), ringPlot(results), latencyPlot(results), costPlot(results)];
}

function sizePlot({ sizes }: Results): Plot {
  const description = 'Throughput against the size of the state';
  const svg = lineChart({
    title: description,
    yName: 'GiB/s',
    isLogarithmic: true,
    xMarks: sizes.map(({ bytes }) => [bytes, bytesText(bytes)]),
    series: [
      {
        name: 'stubferry --digest chain',
        points: sizes.map(({ bytes, ms }) => [bytes, median(rates(bytes, ms))]),
      },
      { name: 'dd | dd', points: sizes.map(({ bytes, pipeMs }) => [bytes, median(rates(bytes, pipeMs))]) },
    ],
  });
  return { file: 'throughput-size.svg', description, svg };
}

function ringPlot({ rings }: Results): Plot {
  const description = 'Throughput against the size of the ring';
  const points = rings.map(({ mib, ms }): [number, number] => [mib, median(rates(RING_STATE_MIB * MIB, ms))]);
  const svg = lineChart({
    title: description,
    yName: 'GiB/s',
    isLogarithmic: true,
    xMarks: rings.map(({ mib }) => [mib, bytesText(mib * MIB)]),
    series: [{ name: `stubferry --digest chain, ${RING_STATE_MIB} MiB`, points }],
  });
  return { file: 'throughput-ring.svg', description, svg };
}

/** The range of the x axis, in milliseconds. The table contains the worst sample. */
const LATENCY_SHOWN_MS = 15;

function latencyPlot({ latency }: Results): Plot {
  const description = 'How many transfers were COMMITTED within so many milliseconds';
  const svg = lineChart({
    title: description,
    yName: '% of all',
    isLogarithmic: false,
    xMarks: [0, 3, 6, 9, 12, LATENCY_SHOWN_MS].map((ms) => [ms, `${ms} ms`]),
    series: latency.slice(0, 4).map(({ name, samples }) => {
      const sorted = [...samples].sort((a, b) => a - b);
      const points = sorted.map((ms, index): [number, number] => [ms, ((index + 1) / sorted.length) * 100]);
      return { name, points: points.filter(([ms]) => ms <= LATENCY_SHOWN_MS) };
    }),
  });
  return { file: 'latency.svg', description, svg };
}

function costPlot({ sizes }: Results): Plot {
  const description = 'Greatest resident memory of an agent, against the size of the state';
  const points = (side: keyof SideCosts): [number, number][] =>
    sizes.map(({ bytes, costs }) => [bytes, peakMib(costs, side)]);
  const svg = lineChart({
    title: description,
    yName: 'MiB',
    isLogarithmic: true,
    xMarks: sizes.map(({ bytes }) => [bytes, bytesText(bytes)]),
    series: [
      { name: "stubdom's agent", points: points('sender') },
      { name: "dom0's agent", points: points('receiver') },
    ],
  });
  return { file: 'memory.svg', description, svg };
}
