/** Lists the children of a node, also when their names do not fit into one message. */
import { StubferryError } from '../../base/errors/index.js';
import type { Reply } from './connection.js';
import { childrenOf } from './wire/replies.js';
import { directory, directoryPart, type Request } from './wire/requests.js';

/** Sends one request and returns its reply. */
export type Send = <T>(request: Request<T>) => Promise<Reply<T>>;

/** Largest list of names, in bytes: 1000 domains take 4 KB. */
const LIST_MAX = 1024 * 1024;

/**
 * How often the client starts to read a list in parts before it gives up, because the list changed between two parts.
 */
const ATTEMPTS = 20;

/**
 * Returns the names of the children of `path`, or the refusal of xenstored.
 * @throws StubferryError LIMIT_EXCEEDED; XENSTORE_CONFLICT: when the list changes during every attempt; what `send`
 *   throws
 */
export async function listChildren(path: string, send: Send): Promise<Reply<string[]>> {
  const reply = await send(directory(path));
  const isLong = 'refusal' in reply && reply.refusal === 'E2BIG';
  return isLong ? inParts(path, send) : reply;
}

async function inParts(path: string, send: Send): Promise<Reply<string[]>> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    let list = Buffer.alloc(0);
    let generation: string | undefined;
    for (;;) {
      const reply = await send(directoryPart(path, list.length));
      if ('refusal' in reply) return reply;
      const part = reply.value;
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
    found: 'changes during each attempt',
  });
}

function tooLong(where: string): StubferryError {
  return new StubferryError('LIMIT_EXCEEDED', 'a node has too many children to be listed', {
    where,
    expected: `at most ${LIST_MAX} bytes of names`,
    found: 'more',
  });
}
