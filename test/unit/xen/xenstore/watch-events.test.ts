/** What is kept of events that come faster than they are seen. */
import { describe, expect, it } from '@jest/globals';
import { WatchEvents } from '../../../../src/xen/xenstore/watch-events.js';
import { settled } from '../../../support/qmp/until.js';

const never = (error: unknown): void => {
  throw error;
};

describe('events of a watch', () => {
  it('of one path that come together are one', async () => {
    const told: string[] = [];
    const events = new WatchEvents('/a', (path) => void told.push(path), never);
    for (let round = 0; round < 1000; round += 1) events.push('/a/b');
    await settled();
    expect(told).toEqual(['/a/b']);
  });

  it('of 64 paths are told each, in their order; of more, that something below the watched one changed', async () => {
    const told: string[] = [];
    const events = new WatchEvents('/a', (path) => void told.push(path), never);
    const paths = Array.from({ length: 64 }, (_, index) => `/a/${index}`);
    for (const path of paths) events.push(path);
    await settled();
    expect(told.splice(0)).toEqual(paths);
    for (const path of [...paths, '/a/65']) events.push(path);
    await settled();
    expect(told).toEqual(['/a']);
  });

  it('that come while one is being told are told after it', async () => {
    const told: string[] = [];
    let first = true;
    const events: WatchEvents = new WatchEvents(
      '/a',
      (path) => {
        told.push(path);
        if (first) events.push('/a');
        first = false;
      },
      never,
    );
    events.push('/a');
    await settled();
    expect(told).toEqual(['/a', '/a']);
  });

  it('are not told after a close, and not after a handler failed', async () => {
    const told: string[] = [];
    const events = new WatchEvents('/a', (path) => void told.push(path), never);
    events.push('/a');
    events.close();
    await settled();
    expect(told).toEqual([]);

    const errors: unknown[] = [];
    const failing = new WatchEvents(
      '/a',
      () => Promise.reject(new Error('no')),
      (error) => errors.push(error),
    );
    failing.push('/a/b');
    failing.push('/a/c');
    await settled();
    failing.push('/a/d');
    await settled();
    expect(errors).toEqual([new Error('no')]);
  });
});
