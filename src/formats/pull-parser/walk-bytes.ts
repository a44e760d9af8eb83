/** Drives a reader over bytes in memory. */
import type { Answer, Ask, Walk } from './walk.js';

/**
 * @param onState is given what the reader calls the state, each time that it comes to one
 * @returns what the reader returns
 * @throws whatever the reader throws
 */
export function walkBytes<T>(input: Uint8Array, walk: Walk<T>, onState?: (state: Uint8Array) => void): T {
  let offset = 0;
  let step = walk.next({ passed: 0, bytes: input.subarray(0, 0) });
  while (step.done !== true) {
    const { answer, bytes } = answerTo(step.value, input, offset);
    if (step.value.kind === 'state') onState?.(bytes);
    offset += answer.passed;
    step = walk.next(answer);
  }
  return step.value;
}

function answerTo(ask: Ask, input: Uint8Array, offset: number): { answer: Answer; bytes: Uint8Array } {
  const bytes = input.subarray(offset, offset + Math.min(ask.length, input.length - offset));
  return { answer: { passed: bytes.length, bytes: ask.kind === 'take' ? bytes : input.subarray(0, 0) }, bytes };
}
