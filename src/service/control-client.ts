/** The command line's side of the control socket. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { type ErrorReport, errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import type { ControlReplies, ControlReply, ControlRequest } from './control-protocol.js';

type Command = ControlRequest['command'];
type RequestFor<C extends Command> = Extract<ControlRequest, { command: C }>;

/** @throws StubferryError SERVICE_UNREACHABLE, and what the agent answers with */
export async function askService<C extends Exclude<Command, 'follow'>>(
  socket: string,
  request: RequestFor<C>,
  signal: AbortSignal,
): Promise<ControlReplies[C]> {
  for await (const reply of repliesTo<ControlReplies[C]>(socket, request, signal)) return reply;
  throw unreachable(socket, 'it hung up without an answer');
}

/** All transfers as they are, then each change, until `signal`. @throws StubferryError as {@link askService} */
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
  return new StubferryError('SERVICE_UNREACHABLE', "dom0's agent cannot be reached", {
    where,
    expected: 'its control socket',
    found,
    hint: 'is it running (systemctl status stubferry), and are you root?',
    cause,
  });
}
