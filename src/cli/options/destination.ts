/**
 * Opens the destination that a state is checked against: a QEMU program, a file that `-dump-vmstate` wrote, or a state
 * that the destination saved itself.
 */
import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { type Destination, looksLikeDump, readQevm, readVmstateDump } from '../../formats/qevm/index.js';
import { probeQemu } from '../../qemu/index.js';
import { nameOf, openState } from '../../states/open-state.js';
import { readSections } from '../../states/read-sections.js';

/** How a QEMU program is started. */
export interface DestinationOptions {
  /** The machine types to check against; for a QEMU program only. */
  readonly machines: readonly string[];
  /** The other arguments of its command line. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

/** How many bytes are read to recognise a file. */
const FRONT_BYTES = 256;
/** The maximum size of a dump, in bytes. The dump of QEMU 7.2 has 790 KB. */
const LARGEST_DUMP = 64 * 1024 * 1024;

/**
 * Opens the destination. A QEMU program is started once for each machine type and queried; each gives one destination.
 *
 * @param against the path of a program, dump or state; a program without a slash is looked up in PATH; `-` reads a
 * state from standard input
 * @throws StubferryError NOT_A_DESTINATION: the path is not a regular file
 * @throws StubferryError USAGE: the options do not fit the kind of destination
 * @throws StubferryError PROBE_FAILED: QEMU cannot be started or queried
 * @throws StubferryError of the state: it cannot be read
 */
export async function openDestinations(against: string, options: DestinationOptions): Promise<Destination[]> {
  const { machines, args, signal } = options;
  const kind = await kindOf(against);
  if (kind !== 'program') {
    if (machines.length > 0 || args.length > 0)
      throw new StubferryError('USAGE', '--machine and arguments after -- apply only to a QEMU program');
    return [kind === 'dump' ? await fromDump(against) : await untilAborted(signal, fromState(against))];
  }
  if (machines.length === 0) {
    throw new StubferryError('USAGE', 'the machine type of the destination is missing', {
      hint: `give it with --machine; '${against} -M help' lists the machine types`,
    });
  }
  const destinations: Destination[] = [];
  for (const machine of machines) {
    const probed = await probeQemu(against, { machine, args, signal });
    const where = `${against} -M ${machine}`;
    const dump = readVmstateDump(probed.dump, where);
    const { sections } = readQevm(probed.state, where);
    const addable = args.length === 0 ? probed.addable : undefined;
    destinations.push({ name: where, machine: dump.machine, dump, sections, addable });
  }
  return destinations;
}

/**
 * Opens a destination for a command that does not start a QEMU.
 *
 * @throws StubferryError as {@link openDestinations}; USAGE: the path is a program
 */
export async function openKnownDestination(path: string, signal: AbortSignal): Promise<Destination> {
  const kind = await kindOf(path);
  if (kind === 'dump') return fromDump(path);
  if (kind === 'state') return untilAborted(signal, fromState(path));
  throw new StubferryError('USAGE', '--check needs a -dump-vmstate file or a state of the destination', {
    where: path,
    found: 'a program',
    hint: "use 'stubferry check', which starts and queries a QEMU",
  });
}

type Kind = 'program' | 'dump' | 'state';

async function kindOf(against: string): Promise<Kind> {
  if (against === '-') return 'state';
  const found = await stat(against).catch(() => undefined);
  // A name without a slash that does not exist as a file is looked up in PATH.
  if (found === undefined && !against.includes('/')) return 'program';
  if (found === undefined || !found.isFile()) {
    throw new StubferryError('NOT_A_DESTINATION', 'the destination cannot be opened', {
      where: against,
      expected: 'a QEMU program, a -dump-vmstate file or a state of the destination',
      found: found === undefined ? 'no such file' : 'not a regular file',
    });
  }
  const front = await frontOf(against);
  if (looksLikeDump(front)) return 'dump';
  const isProgram = front.subarray(0, 4).toString('latin1') === '\u007fELF' || front.subarray(0, 2).toString() === '#!';
  const mayRun = await access(against, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isProgram && mayRun ? 'program' : 'state';
}

async function frontOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FRONT_BYTES), 0, FRONT_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function fromDump(path: string): Promise<Destination> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > LARGEST_DUMP) {
      const [expected, found] = [`at most ${LARGEST_DUMP} bytes`, `${size}`];
      throw new StubferryError('LIMIT_EXCEEDED', 'the vmstate dump is too large', { where: path, expected, found });
    }
    const dump = readVmstateDump(await file.readFile(), path);
    return { name: path, machine: dump.machine, dump, sections: undefined, addable: undefined };
  } catch (error) {
    throw error instanceof StubferryError ? error.at(path) : error;
  } finally {
    await file.close();
  }
}

async function fromState(path: string): Promise<Destination> {
  const { source } = await openState(path);
  try {
    const { state } = await readSections(source, nameOf(path));
    const machine = state.machineType === '' ? undefined : state.machineType;
    return { name: path, machine, dump: undefined, sections: state.sections, addable: undefined };
  } finally {
    await source.close();
  }
}
