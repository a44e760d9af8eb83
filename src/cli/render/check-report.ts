/** The report of a check: as text, for `--json`, and as an error. */
import { StubferryError } from '../../base/errors/index.js';
import type { CheckResult, Destination, Finding } from '../../formats/qevm/index.js';
import { counted } from './format-values.js';

/** A destination and what the check against it found. */
export interface Checked {
  readonly destination: Destination;
  readonly result: CheckResult;
}

/** The value of `check` in the `--json` document, without the file. */
export function checksJson(checks: readonly Checked[]): object {
  return {
    loads: checks.every(({ result }) => result.loads),
    against: checks.map(({ destination: { name, machine }, result }) => ({ name, machine, ...result })),
  };
}

/** The report as text: the findings of each destination, then its verdict in one line. */
export function checksText(file: string, checks: readonly Checked[]): string {
  return checks.map((checked) => checkText(file, checked)).join('\n\n');
}

function checkText(file: string, { destination, result }: Checked): string {
  const { findings, fitting, loads } = result;
  const lines = findings.flatMap(({ verdict, subject, problem, consequence }) => [
    `${verdict.padEnd(8)} ${subject}: ${problem}`,
    `           ${consequence}`,
  ]);
  const has = (outcome: Finding['verdict']): boolean => findings.some(({ verdict }) => verdict === outcome);
  const { name } = destination;
  const matching = `${counted(fitting, 'section')} ${fitting === 1 ? 'matches' : 'match'}`;
  const consequence = has('refused') ? 'QEMU refuses the state' : 'devices lose their state';
  const verdict = loads
    ? `compatible with ${name}${has('unknown') ? ' as far as known' : ''}: ${matching}`
    : `incompatible with ${name}: ${consequence}; ${matching}`;
  return [...lines, `${file}: ${verdict}`].join('\n');
}

/** How many findings the error names. */
const MOST_NAMED = 5;

/** The error WOULD_NOT_LOAD for an incompatible state; undefined for a compatible one. */
export function checkError(file: string, checks: readonly Checked[]): StubferryError | undefined {
  const failed = checks.find(({ result }) => !result.loads);
  if (failed === undefined) return undefined;
  const { destination, result } = failed;
  const serious = result.findings.filter(isSerious);
  const named = serious.slice(0, MOST_NAMED).map(({ subject, problem }) => `${subject}: ${problem}`);
  const more = serious.length > named.length ? `; and ${serious.length - named.length} more` : '';
  return new StubferryError('WOULD_NOT_LOAD', 'the state is incompatible with the destination', {
    where: file,
    expected: `a state that ${destination.name} loads`,
    found: `${named.join('; ')}${more}`,
    hint: `'stubferry check ${file} --against ...' lists every finding and its consequence`,
  });
}

function isSerious({ verdict }: Finding): boolean {
  return verdict === 'refused' || verdict === 'lost';
}
