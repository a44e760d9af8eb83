import { describe, expect, it } from '@jest/globals';
import { ReleaseStack } from '../../../src/base/release-stack.js';

function stackWithLog(): { stack: ReleaseStack; log: string[] } {
  const log: string[] = [];
  return { stack: new ReleaseStack((resource, cause) => log.push(`${resource} failed: ${cause}`)), log };
}

describe('a release stack', () => {
  it('releases the last resource first', async () => {
    const { stack, log } = stackWithLog();
    for (const name of ['a', 'b', 'c']) stack.add(name, async () => log.push(name));
    await stack.release();
    expect(log).toEqual(['c', 'b', 'a']);
  });

  it('waits for each release before the next begins', async () => {
    const { stack, log } = stackWithLog();
    stack.add('a', async () => log.push('a'));
    stack.add('b', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push('b');
    });
    await stack.release();
    expect(log).toEqual(['b', 'a']);
  });

  it('reports a release that fails, and releases the others', async () => {
    const { stack, log } = stackWithLog();
    stack.add('a', async () => log.push('a'));
    stack.add('b', () => Promise.reject('EIO'));
    await stack.release();
    expect(log).toEqual(['b failed: EIO', 'a']);
  });

  it('reports a release that throws before it returns a promise', async () => {
    const { stack, log } = stackWithLog();
    stack.add('a', () => {
      throw new Error('EIO');
    });
    await stack.release();
    expect(log).toEqual(['a failed: Error: EIO']);
  });

  it('releases each resource once, however often it is called', async () => {
    const { stack, log } = stackWithLog();
    stack.add('a', async () => log.push('a'));
    await Promise.all([stack.release(), stack.release()]);
    await stack.release();
    expect(log).toEqual(['a']);
  });

  it('releases a resource that is added after the release has begun', async () => {
    const { stack, log } = stackWithLog();
    await stack.release();
    stack.add('late', async () => log.push('late'));
    await stack.release();
    expect(log).toEqual(['late']);
  });
});
