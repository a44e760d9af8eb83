/** Reads the hex files of fixtures/golden, whose format is described in fixtures/golden/README.md. */
import { readFileSync } from 'node:fs';

export function goldenBytes(name: string): Uint8Array {
  const text = readFileSync(new URL(`../../../fixtures/golden/${name}.hex`, import.meta.url), 'latin1');
  const lines = text.split('\n').filter((line) => /^[0-9a-f]/.test(line));
  const [lengthLine, ...rest] = lines.reverse();
  const bytes = new Uint8Array(Number.parseInt(lengthLine ?? '', 16));
  for (const line of rest) {
    const [offset = '', ...words] = line.split(/ +/);
    bytes.set(Buffer.from(words.join(''), 'hex'), Number.parseInt(offset, 16));
  }
  return bytes;
}
