/** What a test has opened ends with it, the last opened first. */
import { afterEach } from '@jest/globals';

/** To be called in a `describe`; what is given to the returned function is called after the running test. */
export function afterTest(): (end: () => unknown) => void {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return (end) => void ends.push(end);
}
