/**
 * The report of a run. It prints each step when it ends. At the end it prints a table of all steps with their times,
 * followed by remarks: boots, crashes and measured figures.
 */
import Table from 'cli-table3';

interface Step {
  readonly name: string;
  readonly seconds: number;
  readonly outcome: 'passed' | 'FAILED' | 'retried';
}

const PLAIN = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

const STYLE = { 'padding-left': 0, 'padding-right': 0, border: [], head: [] };

export class Report {
  readonly #started = Date.now();
  readonly #steps: Step[] = [];
  readonly #remarks: string[] = [];

  step(name: string, startedMs: number, outcome: Step['outcome']): void {
    const seconds = (Date.now() - startedMs) / 1000;
    this.#steps.push({ name, seconds, outcome });
    process.stderr.write(`real Xen: ${outcome} in ${seconds.toFixed(0)} s: ${name}\n`);
  }

  /** Adds one or more lines to the end of the report. */
  remark(text: string): void {
    this.#remarks.push(text);
  }

  get failed(): boolean {
    return this.#steps.some(({ outcome }) => outcome === 'FAILED');
  }

  toString(): string {
    const table = new Table({ chars: PLAIN, style: STYLE, colAligns: ['left', 'right'] });
    for (const { name, seconds, outcome } of this.#steps) table.push([name, `${seconds.toFixed(1)} s`, outcome]);
    const total = `${((Date.now() - this.#started) / 1000).toFixed(0)} s`;
    return ['', `real Xen: ${total}`, `${table}`, ...this.#remarks, ''].join('\n');
  }
}
