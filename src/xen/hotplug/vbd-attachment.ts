/** Attachments that are vbds: conversion, lookup and orphans. */
import type { XenstoreClient } from '../xenstore/index.js';
import type { Attachment } from './driver.js';
import { orphansAmong } from './orphans.js';
import { type OwnVbd, ownVbds, readOwnVbd } from './own-vbd.js';
import { transferLoops } from './transfer-loops.js';
import { virtualDeviceName } from './virtual-device.js';

/** The attachment of a vbd. */
export function attachmentOf({ stubdom, number, node, backing }: Omit<OwnVbd, 'by'>): Attachment {
  // The name that Linux gives the device in the stubdom.
  return { device: `/dev/${virtualDeviceName(number)}`, backing, vbd: { stubdom, number, node } };
}

/**
 * Returns the vbds of an attachment: the one that it names, if its backing is still the same (domain ids and numbers
 * are reused); otherwise, after a crash halfway, all vbds with that backing. May be empty.
 * @throws StubferryError errors of xenstore
 */
export async function vbdsOf(store: XenstoreClient, { backing, vbd }: Attachment, by: OwnVbd['by']): Promise<OwnVbd[]> {
  const named = vbd === undefined ? undefined : await readOwnVbd(store, vbd);
  const candidates = named?.backing === backing ? [named] : await ownVbds(store);
  return candidates.filter((one) => one.backing === backing && one.by === by);
}

/**
 * Returns what killed agents have left behind: vbds, and loop devices with a transfer disk but without a vbd. The agent
 * was killed before it created the vbd, or after it had removed it.
 * @param directory limits the loop devices to those whose file is below it
 * @throws StubferryError DISK_IO; errors of xenstore
 */
export async function orphanVbds(store: XenstoreClient, by: OwnVbd['by'], directory?: string): Promise<Attachment[]> {
  const vbds = await ownVbds(store);
  const loops = (await transferLoops(directory)).filter(({ device }) => !vbds.some(({ node }) => node === device));
  return orphansAmong([...vbds.filter((vbd) => vbd.by === by).map(attachmentOf), ...loops]);
}
