/** What a check found, for people, for `--json`, and as an error. */
import { StubferryError } from '../../base/errors/index.js';
import type { CheckResult, Destination, Finding } from '../../formats/qevm/index.js';

export interface Checked {
  readonly destination: Destination;
  readonly result: CheckResult;
}

export function checksJson(checks: readonly Checked[]): object {
  return {
    loads: checks.every(({ result }) => result.loads),
    against: checks.map(({ destination: { name, machine }, result }) => ({ name, machine, ...result })),
  };
}

export function checksText(file: string, checks: readonly Checked[]): string {
  return checks.map((checked) => checkText(file, checked)).join('\n\n');
}

function checkText(file: string, { destination, result }: Checked): string {
  const { findings, fitting, loads } = result;
  const lines = findings.flatMap(({ verdict, subject, problem, consequence }) => [
    `${verdict.padEnd(8)} ${subject}: ${problem}`,
    `           ${consequence}`,
  ]);
  const isRefused = findings.some(({ verdict }) => verdict === 'refused');
  const { name } = destination;
  const verdict = loads
    ? `nothing speaks against loading it in ${name}`
    : isRefused
      ? `it will not load in ${name}`
      : `it would load in ${name}, but not all of it`;
  return [...lines, `${file}: ${verdict}; sections that fit: ${fitting}`].join('\n');
}

const MOST_NAMED = 5;

/** The error for a state that does not fit; undefined when it does. */
export function checkError(file: string, checks: readonly Checked[]): StubferryError | undefined {
  const failed = checks.find(({ result }) => !result.loads);
  if (failed === undefined) return undefined;
  const { destination, result } = failed;
  const serious = result.findings.filter(isSerious);
  const named = serious.slice(0, MOST_NAMED).map(({ subject, problem }) => `${subject}: ${problem}`);
  const more = serious.length > named.length ? `; and ${serious.length - named.length} more` : '';
  return new StubferryError('WOULD_NOT_LOAD', 'the state does not fit the QEMU that is to load it', {
    where: file,
    expected: `what ${destination.name} loads`,
    found: `${named.join('; ')}${more}`,
    hint: `'stubferry check ${file} --against ...' tells all of it and what would happen`,
  });
}

function isSerious({ verdict }: Finding): boolean {
  return verdict === 'refused' || verdict === 'lost';
}
