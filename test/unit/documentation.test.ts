import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES } from '../../src/base/errors/index.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const isPage = (name: string): boolean => name.endsWith('.md');
const topLevel = readdirSync(ROOT).filter(isPage);
const documents = readdirSync(new URL('docs/', ROOT), { recursive: true, encoding: 'utf8' }).filter(isPage);
const pages = [...topLevel, ...documents.map((name) => `docs/${name}`)].sort();

describe('the documentation', () => {
  it('lists every exit status as it is', () => {
    const rows = Object.entries(ERROR_CODES).map(([code, { status, means }]) => `| ${status} | ${code} | ${means} |`);
    const table = read('docs/reference/exit-codes.md')
      .split('\n')
      .filter((line) => /^\| \d/.test(line));
    expect(table).toEqual(['| 0 | OK | done |', ...rows]);
  });

  it.each(pages)('%s refers only to files that are there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#)(?<path>[^)#]+)/g)].map(
      (match) => match.groups?.['path'] ?? '',
    );
    const missing = links.filter((path) => {
      try {
        readFileSync(new URL(path, new URL(page, ROOT)));
        return false;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'EISDIR';
      }
    });
    expect(missing).toEqual([]);
  });
});
