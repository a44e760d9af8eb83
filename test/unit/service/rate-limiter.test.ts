/** The requests of a domain are handled at a limited rate, and the last request of a flood is always handled. */
import { expect, it } from '@jest/globals';
import { RateLimiter } from '../../../src/service/rate-limiter.js';
import { settled } from '../../support/qmp/until.js';
import { VirtualClock } from '../../support/ring/virtual-clock.js';

/** A rate limiter, and the times at which it handled a request. */
function recordingLimiter(): { clock: VirtualClock; handled: number[]; limiter: RateLimiter } {
  const clock = new VirtualClock();
  const handled: number[] = [];
  return { clock, handled, limiter: new RateLimiter(clock, async () => void handled.push(clock.now())) };
}

it('handles the first ten requests immediately, one after the other', async () => {
  const { handled, limiter } = recordingLimiter();
  for (let count = 0; count < 10; count += 1) {
    limiter.trigger();
    await settled(0);
  }
  expect(handled).toEqual(Array.from({ length: 10 }, () => 0));
});

it('handles the eleventh request after a second', async () => {
  const { handled, limiter } = recordingLimiter();
  for (let count = 0; count < 11; count += 1) {
    limiter.trigger();
    await settled(0);
  }
  await settled();
  expect(handled.at(-1)).toBe(1000);
});

it('handles one further request for any number of events during a request', async () => {
  const clock = new VirtualClock();
  let handled = 0;
  let finish: () => void = () => undefined;
  const limiter = new RateLimiter(clock, () => {
    handled += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  for (let count = 0; count < 100; count += 1) limiter.trigger();
  expect(handled).toBe(1);
  finish();
  await settled(0);
  expect(handled).toBe(2);
  finish();
  await settled(0);
  expect(handled).toBe(2);
});

it('allows ten requests again after a quiet period, and not more', async () => {
  const { clock, handled, limiter } = recordingLimiter();
  for (let count = 0; count < 10; count += 1) {
    limiter.trigger();
    await settled(0);
  }
  clock.jump(3_600_000);
  for (let count = 0; count < 11; count += 1) {
    limiter.trigger();
    await settled(0);
  }
  await settled();
  expect(handled.slice(10, 20)).toEqual(Array.from({ length: 10 }, () => 3_600_000));
  expect(handled.at(20)).toBe(3_601_000);
});

it('handles no request after it was closed', async () => {
  const { handled, limiter } = recordingLimiter();
  limiter.close();
  limiter.trigger();
  await settled(0);
  expect(handled).toEqual([]);
});
