/** Attachments that are vbds: from one to the other, and what is left of them. */
import type { XenstoreClient } from '../xenstore/index.js';
import type { Attachment } from './driver.js';
import { orphanOf } from './orphans.js';
import { type OwnVbd, ownVbds, readOwnVbd } from './own-vbd.js';
import { transferLoops } from './transfer-loops.js';
import { virtualDeviceName } from './virtual-device.js';

export function attachmentOf({ stubdom, number, node, backing }: Omit<OwnVbd, 'by'>): Attachment {
  // As Linux calls it in the stubdom.
  return { device: `/dev/${virtualDeviceName(number)}`, backing, vbd: { stubdom, number, node } };
}

/**
 * The vbds of an attachment: the one that it names, if that is still its own, for domids and numbers are given to others, too; else, after a
 * crash half way, all that are of its backing. None is fine.
 * @throws StubferryError of xenstore
 */
export async function vbdsOf(store: XenstoreClient, { backing, vbd }: Attachment, by: OwnVbd['by']): Promise<OwnVbd[]> {
  const named = vbd === undefined ? undefined : await readOwnVbd(store, vbd);
  const candidates = named?.backing === backing ? [named] : await ownVbds(store);
  return candidates.filter((one) => one.backing === backing && one.by === by);
}

/**
 * What killed agents have left: vbds, and loop devices that carry a transfer disk but are under no vbd, since the agent was killed before
 * it made one, or after it had removed it.
 * @param folder of the loop devices only those whose file is below it
 * @throws StubferryError DISK_IO; of xenstore
 */
export async function orphanVbds(store: XenstoreClient, by: OwnVbd['by'], folder?: string): Promise<Attachment[]> {
  const vbds = await ownVbds(store);
  const loops = (await transferLoops(folder)).filter(({ device }) => !vbds.some(({ node }) => node === device));
  return orphanOf([...vbds.filter((vbd) => vbd.by === by).map(attachmentOf), ...loops]);
}
