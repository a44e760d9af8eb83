/** Loop devices, by util-linux' losetup and sysfs. Needs root. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { StubferryError } from '../base/errors/index.js';
import { Losetup } from './losetup.js';

export interface LoopDevice {
  /** Its node, such as `/dev/loop3`. */
  readonly node: string;
  /** The file behind it, as the kernel names it. */
  readonly file: string;
  /** Whether it goes past the page cache to its file. */
  readonly directIo: boolean;
}

/** For a device in use to be let go of after a detach, milliseconds: until then the kernel keeps it. */
const DETACH_MS = 2_000;
const POLL_MS = 5;

const losetup = new Losetup();

const listing = z.object({
  loopdevices: z.array(z.object({ name: z.string(), 'back-file': z.nullable(z.string()), dio: z.boolean() })),
});

/**
 * Attaches `file` to a free loop device.
 *
 * Without `--nooverlap`: what is attached here was made just now, and looking at all other loop devices for it takes losetup a quarter
 * of its time (50 of 200 ms under emulation).
 *
 * @throws StubferryError DISK_INCOHERENT when it does not go to the file in the way that was asked for: losetup may
 *   exit with 0 and leave direct I/O off. DISK_IO
 */
export async function attachLoop(file: string, { directIo }: { readonly directIo: boolean }): Promise<LoopDevice> {
  const mode = directIo ? 'on' : 'off';
  const node = (await losetup.run(file, ['--find', '--show', `--direct-io=${mode}`], file)).trim();
  const found = (await readFile(`/sys/block/${basename(node)}/loop/dio`, 'utf8').catch(() => '')).trim();
  if (found === (directIo ? '1' : '0')) return { node, file, directIo };
  await detachLoop(node);
  throw new StubferryError(
    'DISK_INCOHERENT',
    'the loop device does not go to its file in the way that both sides need',
    {
      where: file,
      expected: `direct I/O ${mode}`,
      found: found === '' ? 'neither on nor off' : `direct I/O ${found === '1' ? 'on' : 'off'}`,
      hint: 'put the transfer disk on tmpfs, or on a file system that takes O_DIRECT in units of 512 bytes',
    },
  );
}

/** Detaches it; returns when it is gone. @throws StubferryError DISK_IO when somebody keeps it open */
export async function detachLoop(node: string): Promise<void> {
  await losetup.run(node, ['--detach'], node);
  for (let waited = 0; await isAttached(node); waited += POLL_MS) {
    if (waited >= DETACH_MS) {
      throw new StubferryError('DISK_IO', 'the loop device cannot be detached', {
        where: node,
        expected: `nobody that uses it after ${DETACH_MS} ms`,
        found: 'somebody that has it open (see: fuser)',
        hint: 'it goes when that process closes it',
      });
    }
    await delay(POLL_MS);
  }
}

/** All that are attached, ours and others. @throws StubferryError DISK_IO */
export async function listLoops(): Promise<LoopDevice[]> {
  const text = await losetup.run('losetup', ['--list', '--json', '--output', 'NAME,BACK-FILE,DIO']);
  // Without any loop device it prints nothing at all.
  const { loopdevices } = listing.parse(text.trim() === '' ? { loopdevices: [] } : JSON.parse(text));
  return loopdevices.map((one) => ({ node: one.name, file: one['back-file'] ?? '', directIo: one.dio }));
}

async function isAttached(node: string): Promise<boolean> {
  return (await fileBehind(node)) !== undefined;
}

/** The file behind a loop device, as the kernel names it; undefined where there is none. */
export async function fileBehind(node: string): Promise<string | undefined> {
  return readFile(`/sys/block/${basename(node)}/loop/backing_file`, 'utf8').then(
    (text) => text.replace(/\n$/, ''),
    () => undefined,
  );
}
