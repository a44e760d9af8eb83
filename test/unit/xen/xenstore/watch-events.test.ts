/** How events are merged when they arrive faster than the handler processes them. */
import { describe, expect, it } from '@jest/globals';
import { WatchEvents } from '../../../../src/xen/xenstore/watch-events.js';
import { settled } from '../../../support/qmp/until.js';

const never = (error: unknown): void => {
  throw error;
};

describe('events of a watch', () => {
  it('of one path are merged when they arrive together', async () => {
    const delivered: string[] = [];
    const events = new WatchEvents('/a', (path) => void delivered.push(path), never);
    for (let round = 0; round < 1000; round += 1) events.push('/a/b');
    await settled();
    expect(delivered).toEqual(['/a/b']);
  });

  it('of up to 64 paths are delivered in order; of more paths, one event for the watched path', async () => {
    const delivered: string[] = [];
    const events = new WatchEvents('/a', (path) => void delivered.push(path), never);
    const paths = Array.from({ length: 64 }, (_, index) => `/a/${index}`);
    for (const path of paths) events.push(path);
    await settled();
    expect(delivered.splice(0)).toEqual(paths);
    for (const path of [...paths, '/a/65']) events.push(path);
    await settled();
    expect(delivered).toEqual(['/a']);
  });

  it('are delivered after the handler of an earlier event has finished', async () => {
    const delivered: string[] = [];
    let first = true;
    const events: WatchEvents = new WatchEvents(
      '/a',
      (path) => {
        delivered.push(path);
        if (first) events.push('/a');
        first = false;
      },
      never,
    );
    events.push('/a');
    await settled();
    expect(delivered).toEqual(['/a', '/a']);
  });

  it('are not delivered after a close or a failed handler', async () => {
    const delivered: string[] = [];
    const events = new WatchEvents('/a', (path) => void delivered.push(path), never);
    events.push('/a');
    events.close();
    await settled();
    expect(delivered).toEqual([]);

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
