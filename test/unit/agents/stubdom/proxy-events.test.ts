/** The log messages about toolstacks that connect to the proxy and disconnect. */
import { expect, it } from '@jest/globals';
import { logProxyEvents } from '../../../../src/agents/stubdom/proxy-agent.js';
import type { ProxyEvents } from '../../../../src/qemu/proxy/index.js';

/** Returns the log level of each event. */
function levels(events: readonly ProxyEvents[]): string[] {
  const logged: string[] = [];
  const at = (level: string) => () => logged.push(level);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  events.forEach(logProxyEvents('/proxy', { log }));
  return logged;
}

const ORDERLY = ['connected', 'disconnected'] as const;
const IDLE = ['connected', 'idle', 'disconnected'] as const;

it('logs an idle toolstack once, although it reconnects every 5 s', () => {
  expect(levels([...IDLE, ...IDLE, ...IDLE]).filter((level) => level === 'info')).toHaveLength(1);
});

it('logs the next idle toolstack, after others have disconnected themselves', () => {
  expect(levels([...IDLE, ...ORDERLY, ...IDLE])).toEqual([
    ...['debug', 'info', 'debug'],
    ...['debug', 'debug'],
    ...['debug', 'info', 'debug'],
  ]);
});

it('logs a warning for a toolstack that is refused', () => {
  expect(levels(['refused'])).toEqual(['warn']);
});
