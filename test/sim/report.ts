/** Formats the results of runs as text. */
import type { Hunted } from './mutants/hunt.js';
import type { RunReport } from './scenario/run.js';
import type { Totals } from './totals.js';
import { FAULTS } from './world/faults.js';

/** The number of trace lines that are shown. */
const MOST_LINES = 300;

/** Describes a failed run, which must have been traced. */
export function describeFailure({ seed, plan, violations, outcomes, trace }: RunReport): string {
  return [
    ...shortened(trace).slice(-MOST_LINES),
    '',
    `plan        ${JSON.stringify(plan)}`,
    `processes   ${outcomes.join(', ')}`,
    '',
    `seed ${seed}: ${violations.join('\n    ')}`,
    `run again: npm run sim -- --seed ${seed}; with the whole trace: npm run sim -- --seed ${seed} --trace`,
  ].join('\n');
}

/** Omits and counts lines that repeat one of the last few lines. Code that polls produces many of them. */
function shortened(trace: readonly string[]): string[] {
  const lines: string[] = [];
  let recent: string[] = [];
  let left = 0;
  for (const line of trace) {
    const what = line.slice(12);
    if (recent.includes(what)) {
      left += 1;
      continue;
    }
    if (left > 0) {
      lines.push(`            (${left} repeated lines omitted)`);
      recent = [];
      left = 0;
    }
    lines.push(line);
    recent = [...recent, what].slice(-6);
  }
  return lines;
}

export function describeHunted({ name, seed, violation }: Hunted): string {
  return `${`${seed ?? 'NOT FOUND'}`.padStart(9)}  ${name}${violation === undefined ? '' : `: ${violation}`}`;
}

export function summary(totals: Totals): string {
  const { first, seeds, failed, events, virtual, seconds, kinds, faults, outcomes } = totals;
  const row = (count: number, what: string): string => `  ${`${count}`.padStart(8)}  ${what}`;
  const verdict = failed.length === 0 ? 'no violation' : `violations in ${failed.map(({ seed }) => seed).join(', ')}`;
  return [
    `${seeds} seeds from ${first}: ${verdict}`,
    `${events} events, ${(virtual / 1000).toFixed(0)} s of virtual time in ${seconds.toFixed(1)} s`,
    '',
    'runs',
    ...[...kinds].map(([kind, { runs, committed }]) => row(runs, `${kind}, ${committed} committed`)),
    '',
    'faults',
    ...FAULTS.map((fault) => row(faults.of(fault), fault)),
    '',
    'processes',
    ...[...outcomes].sort(([, a], [, b]) => b - a).map(([what, count]) => row(count, what)),
  ].join('\n');
}
