/** A domain that writes requests all the time is listened to at a pace, and never unheard for ever. */
import { expect, it } from '@jest/globals';
import { RateLimiter } from '../../../src/service/rate-limiter.js';
import { settled } from '../../support/qmp/until.js';
import { VirtualClock } from '../../support/ring/virtual-clock.js';

/** A pace, and the moments of its looks. */
function paced(): { clock: VirtualClock; looks: number[]; pace: RateLimiter } {
  const clock = new VirtualClock();
  const looks: number[] = [];
  return { clock, looks, pace: new RateLimiter(clock, async () => void looks.push(clock.now())) };
}

it('looks at once at the first ten requests, one after the other', async () => {
  const { looks, pace } = paced();
  for (let count = 0; count < 10; count += 1) {
    pace.notice();
    await settled(0);
  }
  expect(looks).toEqual(Array.from({ length: 10 }, () => 0));
});

it('looks at the eleventh when a second has passed', async () => {
  const { looks, pace } = paced();
  for (let count = 0; count < 11; count += 1) {
    pace.notice();
    await settled(0);
  }
  await settled();
  expect(looks.at(-1)).toBe(1000);
});

it('takes any number of events while it looks for one more look', async () => {
  const clock = new VirtualClock();
  let looks = 0;
  let finish: () => void = () => undefined;
  const pace = new RateLimiter(clock, () => {
    looks += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  for (let count = 0; count < 100; count += 1) pace.notice();
  expect(looks).toBe(1);
  finish();
  await settled(0);
  expect(looks).toBe(2);
  finish();
  await settled(0);
  expect(looks).toBe(2);
});

it('has its ten again after a quiet time, and not more', async () => {
  const { clock, looks, pace } = paced();
  for (let count = 0; count < 10; count += 1) {
    pace.notice();
    await settled(0);
  }
  clock.jump(3_600_000);
  for (let count = 0; count < 11; count += 1) {
    pace.notice();
    await settled(0);
  }
  await settled();
  expect(looks.slice(10, 20)).toEqual(Array.from({ length: 10 }, () => 3_600_000));
  expect(looks.at(20)).toBe(3_601_000);
});

it('that is closed looks no more', async () => {
  const { looks, pace } = paced();
  pace.close();
  pace.notice();
  await settled(0);
  expect(looks).toEqual([]);
});
