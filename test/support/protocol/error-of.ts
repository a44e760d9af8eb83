/** Returns what `work` throws. It throws an error itself when `work` does not throw, so that the test fails. */
export function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error, but none was thrown');
}
