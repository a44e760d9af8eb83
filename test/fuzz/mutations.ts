/**
 * Damages a file. Some mutations ignore its structure (bits, bytes, truncation). Others use it: they change lengths,
 * counts and types in the headers of records; they remove, double or swap records, or insert those of another file.
 *
 * After some mutations the result is certainly not consistent. No reader may accept it then.
 */
import type { Random } from './random.js';
import type { Seed } from './seeds.js';

/** A file after a mutation. */
export interface Mutated {
  readonly bytes: Buffer;
  /** A description of the mutation, for reports. */
  readonly what: string;
  /** Whether the result is certainly not consistent. */
  readonly broken: boolean;
}

type Mutation = (seed: Seed, random: Random, others: readonly Seed[]) => Mutated;

/** Numbers that often reveal faults of readers. */
const ODD = [0, 1, 2, 3, 4, 7, 8, 9, 12, 15, 16, 255, 4095, 4096, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

/** Blocks that must occur. */
const REQUIRED = new Set(['libxl header', 'libxc headers', 'LIBXC_CONTEXT', 'STATIC_DATA_END', 'libxc END']);
/** Blocks that must not occur twice. */
const ONCE = new Set(['xl header', ...REQUIRED]);

const isContainer = (seed: Seed): boolean => seed.family === 'xl-save' || seed.family === 'libxl-stream';
const isCheckpointed = (seed: Seed): boolean => seed.blocks.some(({ name }) => name === 'CHECKPOINT_END');
/**
 * Tells whether a statefile was changed. Its checksums cover all bytes and its length, so a reader must detect every
 * change, provided that the file still begins as a statefile.
 */
const checksumBroken = (seed: Seed, bytes: Buffer): boolean =>
  seed.family === 'statefile' && !bytes.equals(seed.bytes) && bytes.subarray(0, 8).equals(seed.bytes.subarray(0, 8));

function flipBits(seed: Seed, random: Random): Mutated {
  const bytes = Buffer.from(seed.bytes);
  const places = Array.from({ length: 1 + random.below(8) }, () => random.below(bytes.length * 8));
  for (const place of places) bytes[place >> 3] = (bytes[place >> 3] ?? 0) ^ (1 << (place & 7));
  return { bytes, what: `bits ${places.join(', ')}`, broken: checksumBroken(seed, bytes) };
}

function setBytes(seed: Seed, random: Random): Mutated {
  const bytes = Buffer.from(seed.bytes);
  const at = random.below(bytes.length);
  const value = random.pick([0, 1, 4, 0x7e, 0x7f, 0x80, 0xff]);
  const length = 1 + random.below(random.pick([1, 8, 200]));
  bytes.fill(value, at, Math.min(at + length, bytes.length));
  return { bytes, what: `${length} bytes ${value} at ${at}`, broken: checksumBroken(seed, bytes) };
}

function cut(seed: Seed, random: Random): Mutated {
  const { offset } = random.pick(seed.blocks);
  const near = Math.min(offset + random.below(9), seed.bytes.length - 1);
  const length = random.below(2) === 0 ? random.below(seed.bytes.length) : near;
  // The header and enough sections with footers remain, so that a reader notices the section without one.
  const whole = seed.blocks.filter((block) => block.offset + block.length <= length).length;
  const bytes = seed.bytes.subarray(0, length);
  const broken = isContainer(seed) || checksumBroken(seed, bytes) || (seed.footers && whole > 5);
  return { bytes, what: `cut to ${length}`, broken };
}

function append(seed: Seed, random: Random): Mutated {
  const more = Buffer.alloc(1 + random.below(40), random.pick([0, 4, 0xff]));
  const bytes = Buffer.concat([seed.bytes, more]);
  return { bytes, what: `${more.length} bytes more`, broken: isContainer(seed) || checksumBroken(seed, bytes) };
}

/** Overwrites a number near the start of a block, where headers contain numbers. */
function oddNumber(seed: Seed, random: Random): Mutated {
  const bytes = Buffer.from(seed.bytes);
  const { name, offset } = random.pick(seed.blocks);
  const at = Math.min(offset + random.pick([0, 1, 4, 8, 12, 16, 20, 24]), bytes.length - 4);
  const value = random.below(3) === 0 ? random.next() : random.pick(ODD);
  if (random.below(2) === 0) bytes.writeUInt32LE(value, at);
  else bytes.writeUInt32BE(value, at);
  return { bytes, what: `${value} at ${at} in ${name}`, broken: checksumBroken(seed, bytes) };
}

/** Changes a number by a small amount, so that a length is slightly wrong. */
function nearNumber(seed: Seed, random: Random): Mutated {
  const bytes = Buffer.from(seed.bytes);
  const { name, offset } = random.pick(seed.blocks);
  const at = Math.min(offset + random.pick([0, 4, 8]), bytes.length - 4);
  const by = random.pick([-8, -1, 1, 8, 16]);
  bytes.writeUInt32LE((bytes.readUInt32LE(at) + by) >>> 0, at);
  return { bytes, what: `${by} at ${at} in ${name}`, broken: checksumBroken(seed, bytes) };
}

function leaveOut(seed: Seed, random: Random): Mutated {
  const block = random.pick(seed.blocks);
  const { name, offset, length } = block;
  const bytes = Buffer.concat([seed.bytes.subarray(0, offset), seed.bytes.subarray(offset + length)]);
  const isHvm = seed.blocks.some((other) => other.name === 'HVM_CONTEXT');
  const needed =
    (name === 'END' && isContainer(seed)) ||
    (name === 'EMULATOR_CONTEXT' && seed.family === 'xl-save' && isHvm) ||
    (name === 'HVM_CONTEXT' && !isCheckpointed(seed)) ||
    (isContainer(seed) && REQUIRED.has(name));
  return { bytes, what: `without ${name} at ${offset}`, broken: needed || checksumBroken(seed, bytes) };
}

function double(seed: Seed, random: Random): Mutated {
  const { name, offset, length } = random.pick(seed.blocks);
  const block = seed.bytes.subarray(offset, offset + length);
  const bytes = Buffer.concat([seed.bytes.subarray(0, offset), block, seed.bytes.subarray(offset)]);
  const once = isContainer(seed) && (ONCE.has(name) || name === 'END' || name === 'EMULATOR_CONTEXT');
  return { bytes, what: `${name} at ${offset} twice`, broken: once || checksumBroken(seed, bytes) };
}

function swap(seed: Seed, random: Random): Mutated {
  const [a, b] = [random.below(seed.blocks.length), random.below(seed.blocks.length)];
  const blocks = [...seed.blocks];
  const [first, second] = [seed.blocks[a], seed.blocks[b]];
  if (first !== undefined && second !== undefined) blocks.splice(a, 1, second);
  if (first !== undefined && second !== undefined) blocks.splice(b, 1, first);
  const bytes = Buffer.concat(blocks.map(({ offset, length }) => seed.bytes.subarray(offset, offset + length)));
  return { bytes, what: `blocks ${a} and ${b} swapped`, broken: checksumBroken(seed, bytes) };
}

/** Replaces a block with a block of another file, or inserts that block. */
function splice(seed: Seed, random: Random, others: readonly Seed[]): Mutated {
  const other = random.pick(others.filter(({ bytes }) => bytes.length < 100_000));
  const [from, to] = [random.pick(other.blocks), random.pick(seed.blocks)];
  const behind = to.offset + (random.below(2) === 0 ? to.length : 0);
  const block = other.bytes.subarray(from.offset, from.offset + from.length);
  const bytes = Buffer.concat([seed.bytes.subarray(0, to.offset), block, seed.bytes.subarray(behind)]);
  const what = `${from.name} of ${other.name} at ${to.offset}`;
  return { bytes, what, broken: checksumBroken(seed, bytes) };
}

/**
 * Truncates the emulator context of a container. The rest stays valid, as if libxl had received half of a device state.
 */
function cutContext(seed: Seed, random: Random): Mutated {
  const block = seed.blocks.findLast(({ name }) => name === 'EMULATOR_CONTEXT');
  if (block === undefined) return cut(seed, random);
  const big = seed.bytes.readUInt32BE(block.offset) === 3;
  const body = big ? seed.bytes.readUInt32BE(block.offset + 4) : seed.bytes.readUInt32LE(block.offset + 4);
  const length = random.below(body - 8);
  const record = Buffer.from(seed.bytes.subarray(block.offset, block.offset + 16 + length));
  if (big) record.writeUInt32BE(8 + length, 4);
  else record.writeUInt32LE(8 + length, 4);
  const padding = Buffer.alloc((8 - (length % 8)) % 8);
  const rest = seed.bytes.subarray(block.offset + block.length);
  const bytes = Buffer.concat([seed.bytes.subarray(0, block.offset), record, padding, rest]);
  // The truncation is within the header of the state, or near the end of its last section, whose body always has 277
  // bytes.
  const broken = length < 9 || length > body - 8 - 70;
  return { bytes, what: `emulator context cut to ${length}`, broken };
}

const MUTATIONS: readonly Mutation[] = [
  ...[flipBits, flipBits, setBytes, cut, append, oddNumber, oddNumber, nearNumber],
  ...[leaveOut, double, swap, splice, cutContext],
];

/** Applies one mutation, and in a quarter of the runs several. */
export function mutate(seed: Seed, random: Random, others: readonly Seed[]): Mutated {
  const first = random.pick(MUTATIONS)(seed, random, others);
  if (random.below(4) !== 0) return first;
  let mutated = first;
  for (let more = random.below(3); more >= 0; more -= 1) {
    // The blocks are those of the original file. Their offsets may be wrong after the first mutation, which is just as
    // useful.
    const inside = seed.blocks.filter(({ offset, length }) => offset + length <= mutated.bytes.length);
    if (mutated.bytes.length < 16 || inside.length === 0) break;
    const next = random.pick(MUTATIONS)({ ...seed, bytes: mutated.bytes, blocks: inside }, random, others);
    mutated = { bytes: next.bytes, what: `${mutated.what}; ${next.what}`, broken: false };
  }
  return mutated;
}
