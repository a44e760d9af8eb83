/**
 * The description of a machine's state, in QEMU's own words.
 *
 * A device state has no lengths: only the QEMU that wrote it knows where a field ends. But `migrate` appends a JSON
 * text that names each device, each field and its size, in the order in which they are written. It describes what
 * `xen-save-devices-state` writes as well, since both write the same devices in the same way.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineOptions } from './command-line.js';
import { type Machine, startMachine } from './machine.js';

export interface Description {
  readonly devices: readonly (StructDescription & { readonly name: string; readonly instance_id: number })[];
}

/** A device, a subsection, or a field that has fields. */
export interface StructDescription {
  readonly vmsd_name?: string;
  readonly version?: number;
  readonly fields?: readonly FieldDescription[];
  readonly subsections?: readonly StructDescription[];
}

export interface FieldDescription {
  readonly name: string;
  readonly type: string;
  /** Bytes; of one element, where there is an `array_len`. */
  readonly size: number;
  /** This field comes that many times, all of one shape, and is described once. */
  readonly array_len?: number;
  /** This is one element of an array whose elements are described one by one. */
  readonly index?: number;
  readonly struct?: StructDescription;
}

/** The byte before the description's length. */
const VMDESCRIPTION = 0x06;
const BEFORE_TEXT = 5;

/**
 * Asks a stopped machine. It must not have been saved `live` before: that hands its disks over, and QEMU 7.2 crashes
 * when `migrate` does that for the second time.
 */
export async function describe(machine: Machine, folder: string): Promise<Description> {
  const stream = join(folder, `described-${machine.pid}`);
  const capabilities = [{ capability: 'x-ignore-shared', state: true }]; // Guest RAM: it is of no interest here.
  await machine.command('migrate-set-capabilities', { capabilities });
  await machine.migrateTo(stream);
  const description = descriptionIn(await readFile(stream));
  await rm(stream);
  return description;
}

/** Asks a QEMU of its own that loads the state and goes no further. */
export async function describeState(state: string, options: MachineOptions): Promise<Description> {
  const machine = await startMachine({ ...options, incoming: `exec:cat '${state}'`, paused: true });
  await machine.untilState('paused');
  const description = await describe(machine, options.folder);
  await machine.kill();
  return description;
}

/** The description is the end of a migration stream; RAM may look like one, but does not end where the stream ends. */
function descriptionIn(stream: Buffer): Description {
  for (let at = stream.lastIndexOf('{'); at >= BEFORE_TEXT; at = stream.lastIndexOf('{', at - 1)) {
    const isText = stream[at - BEFORE_TEXT] === VMDESCRIPTION && stream.readUInt32BE(at - 4) === stream.length - at;
    if (isText) return JSON.parse(stream.toString('utf8', at)) as Description;
  }
  throw new Error('the migration stream ends without a description');
}
