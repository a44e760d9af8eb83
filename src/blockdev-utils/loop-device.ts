/** Attaches, detaches and lists loop devices with losetup of util-linux and sysfs. This needs root. */

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { StubferryError } from '../base/errors/index.js';
import { TIMEOUTS } from '../base/time/timeouts.js';
import { Losetup } from './losetup.js';

/** A loop device that is attached to a file. */
export interface LoopDevice {
  /** The path of the device node, such as `/dev/loop3`. */
  readonly node: string;
  /** The backing file, as the kernel names it. */
  readonly file: string;
  /** Whether the device accesses its file with direct I/O, without the page cache. */
  readonly directIo: boolean;
}

const POLL_MS = 5;

const losetup = new Losetup();

const listing = z.object({
  loopdevices: z.array(z.object({ name: z.string(), 'back-file': z.nullable(z.string()), dio: z.boolean() })),
});

/**
 * Attaches `file` to a free loop device.
 *
 * It does not use `--nooverlap`: the file was created just before, and checking all other loop devices for it takes
 * losetup a quarter of its time (50 of 200 ms under emulation).
 * @param directIo whether the device accesses the file with direct I/O
 * @throws StubferryError DISK_INCOHERENT: when the device does not use the requested mode, because losetup may exit
 * with 0 and leave direct I/O off
 * @throws StubferryError DISK_IO: when losetup fails
 */
export async function attachLoop(file: string, { directIo }: { readonly directIo: boolean }): Promise<LoopDevice> {
  const mode = directIo ? 'on' : 'off';
  const node = (await losetup.run(file, ['--find', '--show', `--direct-io=${mode}`], file)).trim();
  const found = (await readFile(`/sys/block/${basename(node)}/loop/dio`, 'utf8').catch(() => '')).trim();
  if (found === (directIo ? '1' : '0')) return { node, file, directIo };
  await detachLoop(node);
  throw new StubferryError(
    'DISK_INCOHERENT',
    'the loop device does not access its file in the mode that both sides need',
    {
      where: file,
      expected: `direct I/O ${mode}`,
      found: found === '' ? 'neither on nor off' : `direct I/O ${found === '1' ? 'on' : 'off'}`,
      hint: 'put the transfer disk on tmpfs, or on a file system that supports O_DIRECT in units of 512 bytes',
    },
  );
}

/**
 * Detaches a loop device. Resolves when the kernel has detached it.
 * @throws StubferryError DISK_IO: when losetup fails, or a process keeps the device open
 */
export async function detachLoop(node: string): Promise<void> {
  await losetup.run(node, ['--detach'], node);
  for (let waited = 0; await isAttached(node); waited += POLL_MS) {
    if (waited >= TIMEOUTS.loopDetach) {
      throw new StubferryError('DISK_IO', 'the loop device cannot be detached', {
        where: node,
        expected: `no process that has it open after ${TIMEOUTS.loopDetach} ms`,
        found: 'a process that has it open (see: fuser)',
        hint: 'the kernel detaches it when that process closes it',
      });
    }
    await delay(POLL_MS);
  }
}

/**
 * Lists all attached loop devices, including those that stubferry did not attach.
 * @throws StubferryError DISK_IO: when losetup fails
 */
export async function listLoops(): Promise<LoopDevice[]> {
  const text = await losetup.run('losetup', ['--list', '--json', '--output', 'NAME,BACK-FILE,DIO']);
  // losetup prints nothing when there is no loop device.
  const { loopdevices } = listing.parse(text.trim() === '' ? { loopdevices: [] } : JSON.parse(text));
  return loopdevices.map((one) => ({ node: one.name, file: one['back-file'] ?? '', directIo: one.dio }));
}

async function isAttached(node: string): Promise<boolean> {
  return (await fileBehind(node)) !== undefined;
}

/** The backing file of a loop device, as the kernel names it, or undefined when the device is not attached. */
export async function fileBehind(node: string): Promise<string | undefined> {
  return readFile(`/sys/block/${basename(node)}/loop/backing_file`, 'utf8').then(
    (text) => text.replace(/\n$/, ''),
    () => undefined,
  );
}
