/** What a state is checked against: a QEMU program, a dump of one, or a state that the destination wrote itself. */
import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { type Destination, looksLikeDump, readQevm, readVmstateDump } from '../../formats/qevm/index.js';
import { probeQemu } from '../../qemu/index.js';
import { nameOf, openState } from '../../states/open-state.js';
import { readSections } from '../../states/read-sections.js';

export interface DestinationOptions {
  /** Machine types of a QEMU program. */
  readonly machines: readonly string[];
  /** The rest of its command line. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

const FRONT_BYTES = 256;
/** A dump of QEMU 7.2 has 790 KB. */
const LARGEST_DUMP = 64 * 1024 * 1024;

/** @throws StubferryError NOT_A_DESTINATION, PROBE_FAILED, USAGE, and what a state is refused for */
export async function openDestinations(against: string, options: DestinationOptions): Promise<Destination[]> {
  const { machines, args, signal } = options;
  const kind = await kindOf(against);
  if (kind !== 'program') {
    if (machines.length > 0 || args.length > 0)
      throw new StubferryError('USAGE', '--machine, and arguments behind --, are for a QEMU program');
    return [kind === 'dump' ? await fromDump(against) : await untilAborted(signal, fromState(against))];
  }
  if (machines.length === 0) {
    throw new StubferryError('USAGE', 'which machine type has the destination? Name it with --machine', {
      hint: `'${against} -M help' lists them`,
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

/** For commands that cannot start a QEMU besides. @throws as {@link openDestinations} */
export async function openKnownDestination(path: string, signal: AbortSignal): Promise<Destination> {
  const kind = await kindOf(path);
  if (kind === 'dump') return fromDump(path);
  if (kind === 'state') return untilAborted(signal, fromState(path));
  throw new StubferryError('USAGE', '--check takes what -dump-vmstate wrote, or a state of the destination', {
    where: path,
    found: 'a program',
    hint: "'stubferry check' starts a QEMU and asks it",
  });
}

type Kind = 'program' | 'dump' | 'state';

async function kindOf(against: string): Promise<Kind> {
  if (against === '-') return 'state';
  const found = await stat(against).catch(() => undefined);
  // A name without a slash that is no file is looked up in PATH.
  if (found === undefined && !against.includes('/')) return 'program';
  if (found === undefined || !found.isFile()) {
    throw new StubferryError('NOT_A_DESTINATION', 'there is nothing to check the state against', {
      where: against,
      expected: 'a QEMU program, what its -dump-vmstate wrote, or a state of the destination',
      found: found === undefined ? 'no file' : 'no regular file',
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
      throw new StubferryError('LIMIT_EXCEEDED', 'the dump of vmstate is too large', { where: path, expected, found });
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
