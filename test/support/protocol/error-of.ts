/** What `work` throws. Throws itself when there is nothing, so that a test cannot pass without the error. */
export function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error, and none was thrown');
}
