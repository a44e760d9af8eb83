/** The driver of a pull parser for bytes in memory. */
import type { PullParser, ReadRequest, ReadResult } from './pull-parser.js';

/**
 * Runs `parser` over `input`.
 *
 * @param onState receives the bytes of each `state` request
 * @returns the result of the parser
 * @throws whatever the parser throws
 */
export function parseBytes<T>(input: Uint8Array, parser: PullParser<T>, onState?: (state: Uint8Array) => void): T {
  let offset = 0;
  let step = parser.next({ passed: 0, bytes: input.subarray(0, 0) });
  while (step.done !== true) {
    const { result, bytes } = resultOf(step.value, input, offset);
    if (step.value.kind === 'state') onState?.(bytes);
    offset += result.passed;
    step = parser.next(result);
  }
  return step.value;
}

function resultOf(request: ReadRequest, input: Uint8Array, offset: number): { result: ReadResult; bytes: Uint8Array } {
  const bytes = input.subarray(offset, offset + Math.min(request.length, input.length - offset));
  return { result: { passed: bytes.length, bytes: request.kind === 'take' ? bytes : input.subarray(0, 0) }, bytes };
}
