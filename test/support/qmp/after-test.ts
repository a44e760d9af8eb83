/** Closes the resources of a test after the test, in reverse order of their creation. */
import { afterEach } from '@jest/globals';

/** Call this in a `describe`. The returned function registers a callback that runs after the current test. */
export function afterTest(): (end: () => unknown) => void {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return (end) => void ends.push(end);
}
