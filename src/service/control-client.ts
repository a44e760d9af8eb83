/** The client side of the control socket, for the command line. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { type ErrorReport, errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import type { ControlReplies, ControlReply, ControlRequest } from './control-protocol.js';

type Command = ControlRequest['command'];
type RequestFor<C extends Command> = Extract<ControlRequest, { command: C }>;

/**
 * Sends one request to the stubferry service and returns its reply.
 *
 * @param socket the path of the control socket
 * @throws StubferryError SERVICE_UNREACHABLE: when the service does not run or closes the connection; the error that
 * the service replied with
 * @throws the reason of `signal` when it is aborted
 */
export async function askService<C extends Exclude<Command, 'follow'>>(
  socket: string,
  request: RequestFor<C>,
  signal: AbortSignal,
): Promise<ControlReplies[C]> {
  for await (const reply of repliesTo<ControlReplies[C]>(socket, request, signal)) return reply;
  throw unreachable(socket, 'the connection was closed without a reply');
}

/**
 * Yields the present view of each transfer, and then the new view after each change, until `signal` is aborted.
 *
 * @param socket the path of the control socket
 * @throws the same errors as {@link askService}
 */
export function followService(socket: string, signal: AbortSignal): AsyncGenerator<ControlReplies['follow']> {
  return repliesTo(socket, { command: 'follow' }, signal);
}

async function* repliesTo<T>(socket: string, request: ControlRequest, signal: AbortSignal): AsyncGenerator<T> {
  const client = connect(socket);
  const onAbort = (): void => void client.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  client.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of createInterface({ input: client, crlfDelay: Number.POSITIVE_INFINITY })) {
      const reply = JSON.parse(line) as ControlReply<T>;
      if ('error' in reply) throw StubferryError.fromReport(reply.error as ErrorReport);
      yield reply.ok;
    }
    signal.throwIfAborted();
  } catch (cause) {
    throw cause instanceof StubferryError ? cause : unreachable(socket, errnoOf(cause) ?? messageOf(cause), cause);
  } finally {
    signal.removeEventListener('abort', onAbort);
    client.destroy();
  }
}

function unreachable(where: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('SERVICE_UNREACHABLE', 'cannot reach the stubferry service', {
    where,
    expected: 'the control socket of a running service',
    found,
    hint: 'check that the service runs (systemctl status stubferry) and that you are root',
    cause,
  });
}
