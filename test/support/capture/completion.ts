/** The completion of a save by QEMU, settled by the test. */
export interface Completion {
  readonly promise: Promise<void>;
  done(): void;
  refuse(error: unknown): void;
}

export function qemuCompletion(): Completion {
  let done: () => void = () => undefined;
  let refuse: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    done = resolve;
    refuse = reject;
  });
  return { promise, done, refuse };
}
