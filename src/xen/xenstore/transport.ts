/**
 * The two transports to xenstore.
 *
 *     unix socket of xenstored      in the domain in which xenstored runs: dom0
 *     /dev/xen/xenbus               in any domain, through its kernel: the only one that a stubdom has
 */
import { StubferryError } from '../../base/errors/index.js';

/** A byte channel to xenstored. */
export interface Transport {
  /** Largest payload of a request, in bytes. */
  readonly payloadMax: number;
  /** Whether a request may be sent while the reply to another one is pending. */
  readonly isPipelined: boolean;
  /** Whether a new transport can be opened after this one is lost. */
  readonly isReplaceable: boolean;
  /** Sends one message. Rejects with a Node error with a `code` when only this message was refused. */
  send(message: Uint8Array): Promise<void>;
  /** Closes the transport. Nothing is received after the call. Resolves when all its resources are closed. */
  close(): Promise<void>;
}

/** The callbacks of a transport. */
export interface Receiver {
  onBytes(chunk: Uint8Array): void;
  /** The transport was lost. */
  onEnd(cause?: unknown): void;
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'is this dom0 or a Xen domain, and is xenstored running?',
  ECONNREFUSED: 'xenstored has ended: Xen must be restarted',
  EACCES: 'only root may access xenstore',
};

/**
 * Creates the error XENSTORE_UNREACHABLE for the path `where`.
 * @param found an errno such as ENOENT, which selects the hint, or a description
 */
export function unreachable(where: string, found: string | undefined, cause?: unknown): StubferryError {
  return new StubferryError('XENSTORE_UNREACHABLE', 'cannot connect to xenstore', {
    where,
    expected: 'the socket of xenstored, or /dev/xen/xenbus',
    found,
    hint: HINTS[found ?? ''],
    cause,
  });
}
