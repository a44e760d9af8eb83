import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { plots } from './plots.js';
import { RESULTS_PAGE, withPerformance, withTargets } from './readme.js';
import type { Results } from './results.js';
import type { XenResults } from './xen-results.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

describe('the performance sections of the documentation', () => {
  const results = JSON.parse(read('docs/bench/results.json')) as Results;
  const onXen = JSON.parse(read('docs/bench/xen-results.json')) as XenResults;

  it('contain the tables of the stored runs', () => {
    const page = read(RESULTS_PAGE);
    expect(withPerformance(page, results, onXen)).toBe(page);
    const readme = read('README.md');
    expect(withTargets(readme, results)).toBe(readme);
  });

  it('have exactly the plots of the stored run', () => {
    const drawn = plots(results);
    const stored = readdirSync(`${ROOT}docs/bench`).filter((name) => name.endsWith('.svg'));
    expect(stored.sort()).toEqual(drawn.map(({ file }) => file).sort());
    for (const { file, svg } of drawn) expect(read(`docs/bench/${file}`)).toBe(svg);
  });

  it('cannot be written to a page without the marks', () => {
    expect(() => withPerformance('# Results\n', results, onXen)).toThrow(`${RESULTS_PAGE} lacks the lines`);
    expect(() => withTargets('# stubferry\n', results)).toThrow('README.md lacks the lines');
  });
});
