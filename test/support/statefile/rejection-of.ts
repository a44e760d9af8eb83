import { StubferryError } from '../../../src/base/errors/index.js';

/** The typed error that `work` fails with; anything else that happens fails the test. */
export async function rejectionOf(work: Promise<unknown>): Promise<StubferryError> {
  const outcome: unknown = await work.then(
    () => new Error('expected an error, and there was none'),
    (error: unknown) => error,
  );
  if (outcome instanceof StubferryError) return outcome;
  throw outcome;
}
