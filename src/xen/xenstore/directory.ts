/** The children of a node, also where their names do not fit into one message. */
import { StubferryError } from '../../base/errors/index.js';
import type { Reply } from './connection.js';
import { childrenOf } from './wire/replies.js';
import { directory, directoryPart, type Request } from './wire/requests.js';

export type Send = <T>(request: Request<T>) => Promise<Reply<T>>;

/** Bytes of names: 1000 domains take 4 KB. */
const LIST_MAX = 1024 * 1024;

/** Times that a list in parts is begun anew, because it changed between two of them. */
const ATTEMPTS = 20;

/** @throws StubferryError LIMIT_EXCEEDED; XENSTORE_CONFLICT when the list changes all the time */
export async function listChildren(path: string, ask: Send): Promise<Reply<string[]>> {
  const answer = await ask(directory(path));
  const isLong = 'refusal' in answer && answer.refusal === 'E2BIG';
  return isLong ? inParts(path, ask) : answer;
}

async function inParts(path: string, ask: Send): Promise<Reply<string[]>> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    let list = Buffer.alloc(0);
    let generation: string | undefined;
    for (;;) {
      const answer = await ask(directoryPart(path, list.length));
      if ('refusal' in answer) return answer;
      const part = answer.value;
      generation ??= part.generation;
      if (part.generation !== generation) break;
      if (list.length + part.bytes.length > LIST_MAX) throw tooLong(path);
      list = Buffer.concat([list, part.bytes]);
      if (part.isLast) return { value: childrenOf(list) };
    }
  }
  throw new StubferryError('XENSTORE_CONFLICT', 'the children of a node change faster than they can be listed', {
    where: path,
    expected: `no change during one of ${ATTEMPTS} attempts`,
    found: 'some during each',
  });
}

function tooLong(where: string): StubferryError {
  return new StubferryError('LIMIT_EXCEEDED', 'a node has too many children to be listed', {
    where,
    expected: `names of ${LIST_MAX} bytes at most`,
    found: 'more',
  });
}
