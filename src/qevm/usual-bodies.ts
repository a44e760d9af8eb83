/** Placeholder, measured below. */
export function bodyPenalty(_name: string, length: number): number {
  return 0.05 * Math.log2(1 + length);
}
