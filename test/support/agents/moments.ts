/** Random moments in a transfer at which a test kills a process. */
import { setTimeout as delay } from 'node:timers/promises';
import { feed, type PatternState } from '../cli/feed.js';
import type { Started } from '../cli/run-stubferry.js';
import type { SeededRandom } from '../cli/seeded-random.js';

const KINDS = ['while it starts', 'while it waits', 'in the middle of the data', 'after the last byte'] as const;

export interface Moment {
  /** The kind and the random numbers, for messages. */
  readonly name: string;
  /** Feeds the state and resolves at the moment. The feeding continues afterwards. */
  reach(feeding: Started, ready: Promise<unknown>, state: PatternState): Promise<void>;
}

/** Returns the moment number `index`. The kinds alternate; the times are random. */
export function momentOf(random: SeededRandom, index: number): Moment {
  const kind = KINDS[index % KINDS.length] ?? KINDS[0];
  const [startMs, waitMs, thousandths, afterMs] = [
    random.below(600),
    random.below(100),
    random.below(1000),
    random.below(60),
  ];
  const name = `killed ${kind} (${startMs}, ${waitMs}, ${thousandths}, ${afterMs})`;
  return {
    name,
    reach: async (feeding, ready, state) => {
      const into = feeding.child.stdin;
      if (kind === 'while it starts') {
        void feed(into, state.chunks(), { pauseMs: 10 });
        await delay(startMs);
      } else if (kind === 'while it waits') {
        await ready;
        await delay(waitMs);
        void feed(into, state.chunks(), { pauseMs: 10 });
      } else if (kind === 'in the middle of the data') {
        const count = Math.max(1, Math.floor(([...state.chunks()].length * thousandths) / 1000));
        await new Promise<void>((resolve) => {
          const onChunk = (fed: number): void => void (fed === count && resolve());
          void feed(into, state.chunks(), { pauseMs: 10, onChunk }).then(resolve);
        });
      } else {
        await feed(into, state.chunks());
        await delay(afterMs);
      }
    },
  };
}
