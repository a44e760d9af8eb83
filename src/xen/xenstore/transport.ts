/**
 * The two ways to xenstore.
 *
 *     unix socket of xenstored      in the domain that xenstored runs in: dom0
 *     /dev/xen/xenbus               in any domain, through its kernel: all that a stubdom has
 */
import { StubferryError } from '../../base/errors/index.js';

export interface Transport {
  /** Largest payload that may be sent, bytes. */
  readonly payloadMax: number;
  /** Whether a request may be sent while the reply to another one is awaited. */
  readonly isPipelined: boolean;
  /** Whether, when it is lost, another one can be had. */
  readonly isReplaceable: boolean;
  /** Sends one message. Rejects with an error of Node's, with its `code`, when just this message was refused. */
  send(message: Uint8Array): Promise<void>;
  /** Resolves when nothing of it is left open. Nothing is received any more. */
  close(): Promise<void>;
}

/** Where what comes goes to. */
export interface Receiver {
  onBytes(chunk: Uint8Array): void;
  /** There is no connection any more. */
  onEnd(cause?: unknown): void;
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'is this dom0 or a domain of Xen, and does xenstored run?',
  ECONNREFUSED: 'xenstored has ended: Xen has to be started anew',
  EACCES: 'only root may talk to xenstore',
};

export function unreachable(where: string, found: string | undefined, cause?: unknown): StubferryError {
  return new StubferryError('XENSTORE_UNREACHABLE', 'cannot connect to xenstore', {
    where,
    expected: 'the socket of xenstored, or /dev/xen/xenbus',
    found,
    hint: HINTS[found ?? ''],
    cause,
  });
}
