import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { plots } from './plots.js';
import { withPerformance } from './readme.js';
import type { Results } from './results.js';
import type { XenResults } from './xen-results.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

describe('what the documentation says of the speed', () => {
  const results = JSON.parse(read('docs/bench/results.json')) as Results;
  const onXen = JSON.parse(read('docs/bench/xen-results.json')) as XenResults;

  it('is what the stored runs give', () => {
    const readme = read('README.md');
    expect(withPerformance(readme, results, onXen)).toBe(readme);
  });

  it('is drawn from the stored run, and nothing else is', () => {
    const drawn = plots(results);
    const stored = readdirSync(`${ROOT}docs/bench`).filter((name) => name.endsWith('.svg'));
    expect(stored.sort()).toEqual(drawn.map(({ file }) => file).sort());
    for (const { file, svg } of drawn) expect(read(`docs/bench/${file}`)).toBe(svg);
  });

  it('is refused for a README without the marks', () => {
    expect(() => withPerformance('# stubferry\n', results, onXen)).toThrow('README.md lacks the lines');
  });
});
