/**
 * QEMU's own description of a machine's state.
 *
 * A device state contains no lengths: only the QEMU that wrote it knows where a field ends. But `migrate` appends a
 * JSON text that names each device, each field and its size, in the order in which QEMU writes them. It also describes
 * the output of `xen-save-devices-state`, because both commands write the same devices in the same way.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineOptions } from './command-line.js';
import { type Machine, startMachine } from './machine.js';

export interface Description {
  readonly devices: readonly (StructDescription & { readonly name: string; readonly instance_id: number })[];
}

/** A device, a subsection, or a field with inner fields. */
export interface StructDescription {
  readonly vmsd_name?: string;
  readonly version?: number;
  readonly fields?: readonly FieldDescription[];
  readonly subsections?: readonly StructDescription[];
}

export interface FieldDescription {
  readonly name: string;
  readonly type: string;
  /** The size in bytes; the size of one element if there is an `array_len`. */
  readonly size: number;
  /** The number of equal elements that this one description covers. */
  readonly array_len?: number;
  /** The index of this element, for an array whose elements have separate descriptions. */
  readonly index?: number;
  readonly struct?: StructDescription;
}

/** The byte before the description's length. */
const VMDESCRIPTION = 0x06;
const BEFORE_TEXT = 5;

/**
 * Gets the description from a stopped machine. The machine must not have been saved `live` before: such a save
 * inactivates its disks, and QEMU 7.2 crashes when `migrate` inactivates them a second time.
 */
export async function describe(machine: Machine, folder: string): Promise<Description> {
  const stream = join(folder, `described-${machine.pid}`);
  const capabilities = [{ capability: 'x-ignore-shared', state: true }]; // Leaves guest RAM out of the stream.
  await machine.command('migrate-set-capabilities', { capabilities });
  await machine.migrateTo(stream);
  const description = descriptionIn(await readFile(stream));
  await rm(stream);
  return description;
}

/** Gets the description from a separate QEMU that loads the state and stays paused. */
export async function describeState(state: string, options: MachineOptions): Promise<Description> {
  const machine = await startMachine({ ...options, incoming: `exec:cat '${state}'`, paused: true });
  await machine.untilState('paused');
  const description = await describe(machine, options.folder);
  await machine.kill();
  return description;
}

/**
 * Finds the description at the end of a migration stream. RAM may contain similar bytes, but not with a matching
 * length.
 */
function descriptionIn(stream: Buffer): Description {
  for (let at = stream.lastIndexOf('{'); at >= BEFORE_TEXT; at = stream.lastIndexOf('{', at - 1)) {
    const isText = stream[at - BEFORE_TEXT] === VMDESCRIPTION && stream.readUInt32BE(at - 4) === stream.length - at;
    if (isText) return JSON.parse(stream.toString('utf8', at)) as Description;
  }
  throw new Error('the migration stream ends without a description');
}
