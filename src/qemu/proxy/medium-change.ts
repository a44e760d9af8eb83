/**
 * How the QMP proxy handles a command that may name one of its fdsets ({@link StubdomFdsets}).
 *
 *     list the disks of the stubdom -> is the fdset the proxy's?  no:  forward the command unchanged
 *                                                                 yes: reply, or forward another command
 *
 * Before the proxy replies itself, it waits for a reply of QEMU to `query-fdsets`, so that replies stay in the order of
 * the commands. When QEMU refuses `query-fdsets` or does not reply in time, the proxy forwards the toolstack's own
 * command, and QEMU replies to it.
 */
import { queryFdsets } from '../qmp/commands.js';
import type { ClientCommand } from '../qmp/message.js';
import type { Monitor } from '../qmp/monitor.js';
import { successReply } from './reply.js';
import { type FdsetAction, type Medium, StubdomFdsets } from './stubdom-fdsets.js';

/** Lists the disks that are now attached to the stubdom and may be media. */
export type ListMedia = () => Promise<readonly Medium[]>;

/** The result of a command. */
export type Outcome =
  /** The proxy sends this reply to the toolstack. */
  | { readonly reply: string }
  /** The proxy sends this command to QEMU instead, and forwards QEMU's reply. */
  | { readonly command: Uint8Array | string };

/** Handles the commands by which libxl changes the medium of a CD-ROM drive. */
export class MediumChange {
  readonly #listMedia: ListMedia;
  readonly #fdsets = new StubdomFdsets();

  /** @param listMedia a rejection counts as an empty list */
  constructor(listMedia: ListMedia) {
    this.#listMedia = listMedia;
  }

  /** Returns undefined for a command that the proxy forwards unchanged. Never rejects. */
  async outcomeOf(command: ClientCommand, monitor: Monitor, signal: AbortSignal): Promise<Outcome | undefined> {
    const media = await this.#listMedia().catch(() => []);
    const action = this.#fdsets.actionFor(command, media);
    if (action === undefined) return undefined;
    if (action.does === 'open') return { command: withArguments(command, action.args) };
    const others = await queryFdsets(monitor, signal).catch(() => undefined);
    return others && { reply: this.#reply(action, others, command.id) };
  }

  #reply(action: Exclude<FdsetAction, { does: 'open' }>, others: readonly unknown[], id: string | undefined): string {
    if (action.does === 'list') return successReply(id, [...others, ...action.fdsets]);
    this.#fdsets.remove(action.medium);
    return successReply(id);
  }
}

/** The command with other arguments. QEMU returns the id, so it stays exactly as the toolstack wrote it. */
function withArguments({ execute, id }: ClientCommand, args: Readonly<Record<string, unknown>>): string {
  const members = [`"execute": ${JSON.stringify(execute)}`, `"arguments": ${JSON.stringify(args)}`];
  return `{${[...members, ...(id === undefined ? [] : [`"id": ${id}`])].join(', ')}}`;
}
