/** What the proxy's log tells of toolstacks that come and go. */
import { expect, it } from '@jest/globals';
import { logProxyEvents } from '../../../../src/agents/stubdom/proxy-agent.js';
import type { ProxyEvents } from '../../../../src/qemu/proxy/index.js';

/** The levels at which each is told of. */
function levels(news: readonly ProxyEvents[]): string[] {
  const told: string[] = [];
  const at = (level: string) => () => told.push(level);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  news.forEach(logProxyEvents('/gate', { log }));
  return told;
}

const WELL = ['connected', 'disconnected'] as const;
const IDLE = ['connected', 'idle', 'disconnected'] as const;

it('tells of a toolstack that asks nothing more, but not each 5 s of one that stays', () => {
  expect(levels([...IDLE, ...IDLE, ...IDLE]).filter((level) => level === 'info')).toHaveLength(1);
});

it('tells of the next one that asks nothing more, after others have gone as they should', () => {
  expect(levels([...IDLE, ...WELL, ...IDLE])).toEqual([
    ...['debug', 'info', 'debug'],
    ...['debug', 'debug'],
    ...['debug', 'info', 'debug'],
  ]);
});

it('warns of one that is refused', () => {
  expect(levels(['refused'])).toEqual(['warn']);
});
