import { StubferryError } from '../../../src/base/errors/index.js';

/** Returns the StubferryError with which `work` rejects. Any other outcome fails the test. */
export async function rejectionOf(work: Promise<unknown>): Promise<StubferryError> {
  const outcome: unknown = await work.then(
    () => new Error('expected an error, but there was none'),
    (error: unknown) => error,
  );
  if (outcome instanceof StubferryError) return outcome;
  throw outcome;
}
