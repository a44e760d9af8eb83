/**
 * What the proxy does with a command that names one of its sets of descriptors ({@link StubdomFdsets}).
 *
 *     the disks that are there -> the set is the proxy's?  no: the command goes on as it is
 *                                                        yes: answered, or another command goes on
 *
 * An answer of the proxy's comes after one of QEMU's, so that replies stay in the order of the commands. When QEMU refuses that one,
 * or says nothing for long, it is given the toolstack's own command, and answers that in its own words.
 */
import { queryFdsets } from '../qmp/commands.js';
import type { ClientCommand } from '../qmp/message.js';
import type { Monitor } from '../qmp/monitor.js';
import { successReply } from './reply.js';
import { type FdsetAction, type Medium, StubdomFdsets } from './stubdom-fdsets.js';

/** The disks of the stubdom that may be media, as they are now. */
export type ListMedia = () => Promise<readonly Medium[]>;

/** What comes of a command. */
export type Outcome =
  /** The toolstack is told this. */
  | { readonly reply: string }
  /** QEMU is given this instead, and its reply is the toolstack's. */
  | { readonly command: Uint8Array | string };

export class MediumChange {
  readonly #listMedia: ListMedia;
  readonly #fdsets = new StubdomFdsets();

  /** @param listMedia may reject: then there are none */
  constructor(listMedia: ListMedia) {
    this.#listMedia = listMedia;
  }

  /** @returns undefined for a command that goes on as it is. Never rejects */
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

/** The id is QEMU's to give back, and stays as the toolstack wrote it. */
function withArguments({ execute, id }: ClientCommand, args: Readonly<Record<string, unknown>>): string {
  const members = [`"execute": ${JSON.stringify(execute)}`, `"arguments": ${JSON.stringify(args)}`];
  return `{${[...members, ...(id === undefined ? [] : [`"id": ${id}`])].join(', ')}}`;
}
