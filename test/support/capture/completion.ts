/** QEMU's word on a state, given when the test says so. */
export interface Word {
  readonly promise: Promise<void>;
  done(): void;
  refuse(error: unknown): void;
}

export function wordOfQemu(): Word {
  let done: () => void = () => undefined;
  let refuse: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    done = resolve;
    refuse = reject;
  });
  return { promise, done, refuse };
}
