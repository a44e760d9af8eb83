/**
 * Requests to the transfer disk, and all faults of a disk.
 *
 * A request takes effect in chunks, each at its own time and in any order, so that a reader in the other domain may see
 * only some of them. As with a real device, the bytes of a write are read from the buffer when a chunk takes effect:
 * code that reuses the buffer too early writes its new contents.
 */
import type { FaultClass } from '../world/faults.js';
import type { World } from '../world/world.js';
import { errno } from './errno.js';
import type { OpenFile } from './file-system.js';
import type { Medium } from './medium.js';
import type { DiskReply, Process } from './process.js';

/** The smallest unit in which memory is written, in bytes. */
const WORD = 8;
const SECTOR = 512;
const BLOCK = 4096;
const TORN_BY: ReadonlyMap<number, FaultClass> = new Map([
  [WORD, 'torn write, by word'],
  [SECTOR, 'torn write, by sector'],
  [BLOCK, 'torn write, by block'],
]);
const FIRST_WORDS = 16;
/** The number of blocks before the ring: superblocks, control blocks and reserved blocks. */
const FIRST_BLOCKS = 16;

/** A fault that affects some requests. */
export interface DiskFault {
  readonly fault: FaultClass;
  /** How many requests it may still affect. */
  left: number;
  /** The probability for each request. */
  readonly chance: number;
  /** How many requests of its kind are not affected first. */
  skip: number;
  /** Whether it affects only a restarted process. */
  readonly afterRestart: boolean;
}

/** The normal behaviour of the disk in a run. */
export interface Weather {
  /** The probability that a request is done in chunks. */
  readonly torn: number;
  /** The longest time of a request, in milliseconds. */
  readonly slowest: number;
}

/** A chunk of a request, as offsets in its buffer. */
interface Chunk {
  readonly from: number;
  readonly to: number;
}

interface Request {
  /** Its number in the order of submission. */
  readonly serial: number;
  readonly kind: 'read' | 'write';
  readonly process: Process;
  readonly medium: Medium;
  readonly bytes: Uint8Array;
  readonly position: number;
  /** The offset that it really affects. */
  place: number;
  chunks: Chunk[];
  /** The number of bytes that its completion reports. */
  count: number;
  error: Error | undefined;
  stale: boolean;
  /** Whether a copy of it is written again later. */
  replayed: boolean;
  answers: number;
  /** Modifies the bytes of a read just before its completion. */
  spoil: () => void;
}

export class DiskRequests {
  readonly #world: World;
  readonly faults: DiskFault[] = [];
  weather: Weather = { torn: 0, slowest: 0.3 };
  readonly #underWay = new Set<Request>();
  #serial = 0;

  constructor(world: World) {
    this.#world = world;
  }

  submit(
    kind: 'read' | 'write',
    process: Process,
    file: OpenFile,
    bytes: Uint8Array,
    position: number,
    answer: DiskReply<number>,
  ): void {
    process.step(`${kind} ${position}`);
    if (!process.alive) return;
    const request = this.#request(kind, process, file, bytes, position);
    let extra = this.#world.random.between(0.01, this.weather.slowest) * process.slowness;
    if (!this.#world.calm) {
      if (this.#world.random.chance(this.weather.torn)) extra += this.#tear(request);
      for (const fault of this.faults) if (applies(fault, kind, process)) extra += this.#inject(fault, request);
    }
    process.pending += 1;
    this.#underWay.add(request);
    this.#begin(request, extra, answer);
  }

  /**
   * Executes a request that takes effect before it returns, as those to memory do.
   * @returns the number of bytes
   * @throws Error with an errno code
   */
  synchronous(kind: 'read' | 'write', process: Process, file: OpenFile, bytes: Uint8Array, position: number): number {
    return process.sync(`${kind} ${position}`, () => {
      const request = this.#request(kind, process, file, bytes, position);
      for (const fault of this.#world.calm ? [] : this.faults) {
        if (AT_ONCE.includes(fault.fault) && applies(fault, kind, process)) this.#inject(fault, request);
      }
      this.#land(request, request.chunks);
      request.spoil();
      process.world.note(process.name, () => `${kind} ${position}+${bytes.length} at once${said(request)}`);
      if (request.error !== undefined) throw request.error;
      return request.count;
    });
  }

  #request(kind: 'read' | 'write', process: Process, file: OpenFile, bytes: Uint8Array, position: number): Request {
    const { medium } = file.inode;
    if (medium === undefined) throw new Error('not a disk');
    this.#serial += 1;
    const request: Request = {
      ...{ serial: this.#serial, kind, process, medium, bytes, position, place: position },
      ...{ chunks: [{ from: 0, to: bytes.length }], count: bytes.length, error: undefined },
      ...{ stale: false, replayed: false, answers: 1, spoil: () => undefined },
    };
    if (file.dead) request.error = errno('EIO', file.path);
    if (file.dead || position + bytes.length > medium.size) request.chunks = [];
    return request;
  }

  #begin(request: Request, duration: number, answer: DiskReply<number>): void {
    const { scheduler, random } = this.#world;
    const answered = (): void => this.#answer(request, answer);
    if (request.chunks.length === 1) {
      scheduler.after(duration, () => {
        this.#land(request, request.chunks);
        answered();
      });
      return;
    }
    for (const chunk of request.chunks) {
      scheduler.after(random.unit() * duration, () => this.#land(request, [chunk]));
    }
    scheduler.after(duration * 1.01, answered);
  }

  /**
   * Divides a request into two to four chunks.
   * @returns the additional time in milliseconds, because chunks may be far apart
   */
  #tear(request: Request): number {
    const { random } = this.#world;
    const unit = random.pick(request.medium.isMemory ? [WORD, SECTOR, BLOCK] : [SECTOR, BLOCK]);
    const units = Math.floor(request.bytes.length / unit);
    if (units < 2) return 0;
    const cuts = new Set([0, request.bytes.length]);
    // The fields at the start of a block are the most important ones.
    const among = unit === WORD && random.chance(0.5) ? FIRST_WORDS : units;
    for (let cut = 0; cut < 3; cut += 1) cuts.add(unit * (1 + random.below(Math.min(among, units) - 1)));
    const at = [...cuts].sort((a, b) => a - b);
    request.chunks = at.slice(1).map((to, index) => ({ from: at[index] ?? 0, to }));
    this.#world.counts.count((request.kind === 'write' ? TORN_BY.get(unit) : undefined) ?? 'torn read');
    return request.kind === 'write' && random.chance(0.3) ? random.scaled(0.5, 30) : 0;
  }

  /** Applies a fault to a request. @returns the additional time in milliseconds */
  #inject(fault: DiskFault, request: Request): number {
    const { random } = this.#world;
    const { process, kind, bytes, position } = request;
    const done = (what = ''): void =>
      this.#world.fault(process.name, fault.fault, () => `${kind} ${position}+${bytes.length} ${what}`);
    switch (fault.fault) {
      case 'lost completion':
        request.answers = 0;
        process.hung += 1;
        break;
      case 'duplicated completion':
        request.answers = 2;
        break;
      case 'replayed write':
        request.replayed = true;
        break;
      case 'lost write':
        request.chunks = [];
        break;
      case 'half a write lost':
        if (request.chunks.length < 2) this.#tear(request);
        if (request.chunks.length < 2) return 0;
        request.chunks.splice(random.below(request.chunks.length), 1);
        break;
      case 'stale read':
        // It is counted when older contents exist.
        request.stale = true;
        return 0;
      case 'misdirected write':
        request.place = this.#elsewhere(request);
        break;
      case 'bit flipped on the disk':
        request.medium.flip(this.#tellingByte(request.medium.size), random.below(8));
        break;
      case 'bit flipped in a read':
        break;
      case 'I/O error of a read':
      case 'I/O error of a write':
        request.error = errno('EIO', 'injected');
        if (random.chance(0.5)) request.chunks = [];
        break;
      case 'I/O error of a write that was done':
        request.error = errno('EIO', 'injected');
        break;
      case 'partial read or write': {
        const sectors = bytes.length / SECTOR;
        if (sectors < 2 || request.answers > 1) return 0;
        request.count = SECTOR * (1 + random.below(sectors - 1));
        request.chunks = [{ from: 0, to: request.count }];
        break;
      }
      case 'disk stalls': {
        // Half of the stalls are longer than the device timeout.
        const ms = random.chance(0.5) ? random.between(600, 2_000) : random.scaled(5, 600);
        done(`for ${ms.toFixed(0)} ms`);
        return ms;
      }
      default:
        throw new Error(`not a fault of a disk: ${fault.fault}`);
    }
    done(fault.fault === 'misdirected write' ? `to ${request.place}` : '');
    if (fault.fault === 'bit flipped in a read') this.#flipLater(request);
    return 0;
  }

  /** Returns the wrong offset of a misdirected request: nearby, or anywhere. */
  #elsewhere({ medium, bytes, position }: Request): number {
    const { random } = this.#world;
    const last = Math.floor((medium.size - bytes.length) / BLOCK);
    if (random.chance(0.5)) return BLOCK * random.below(last + 1);
    return Math.max(0, Math.min(last * BLOCK, position + BLOCK * random.pick([-2, -1, 1, 2])));
  }

  /**
   * Returns an offset below `size`. It is often at the start of a block, where the important fields are, and often
   * before the ring.
   */
  #tellingByte(size: number): number {
    const { random } = this.#world;
    const blocks = Math.floor(size / BLOCK);
    const block = random.below(random.chance(0.5) ? Math.min(FIRST_BLOCKS, blocks) : blocks);
    return BLOCK * block + random.below(random.chance(0.5) ? 128 : BLOCK);
  }

  /** Flips a bit of the bytes that a read returns, after all chunks have taken effect and before the completion. */
  #flipLater(request: Request): void {
    const { random } = this.#world;
    const at = this.#tellingByte(request.bytes.length);
    const bit = 1 << random.below(8);
    request.spoil = () => {
      request.bytes[at] = (request.bytes[at] ?? 0) ^ bit;
    };
  }

  #land({ kind, process, medium, bytes, place, stale }: Request, chunks: readonly Chunk[]): void {
    if (!process.alive) return;
    for (const { from, to } of chunks) {
      if (kind === 'write') medium.write(bytes.subarray(from, to), place + from);
      else if (!stale) medium.read(bytes.subarray(from, to), place + from);
      else if (medium.readStale(bytes.subarray(from, to), place + from))
        this.#world.fault(process.name, 'stale read', () => `${place + from}+${to - from}`);
    }
  }

  #answer(request: Request, answer: DiskReply<number>): void {
    const { process, kind, position, bytes, error, count } = request;
    const { scheduler, random } = this.#world;
    this.#underWay.delete(request);
    process.step(`${kind} ${position}`);
    if (!process.alive) return;
    this.#countOrder(request);
    request.spoil();
    process.world.note(process.name, () => `${kind} ${position}+${bytes.length}${said(request)}`);
    if (request.replayed) {
      const copy = Uint8Array.from(bytes);
      scheduler.after(random.scaled(0.1, 300), () => {
        this.#world.note('disk', () => `the write ${position}+${copy.length} once more`);
        request.medium.write(copy, position);
      });
    }
    if (request.answers === 0) return;
    process.resume(() => {
      process.pending -= 1;
      answer(error, error === undefined ? count : 0);
    });
    if (request.answers < 2) return;
    scheduler.after(random.scaled(0.01, 50), () =>
      process.resume(() => answer(error, error === undefined ? count : 0)),
    );
  }

  #countOrder({ kind, process, serial }: Request): void {
    if (kind === 'read') return;
    for (const other of this.#underWay) {
      if (other.kind !== 'write' || other.process !== process || other.serial > serial) continue;
      this.#world.counts.count('writes completed out of order');
      return;
    }
  }

  /** Ends the requests of a process that has ended. Each chunk of a pending write may take effect or not. */
  abandon(process: Process): void {
    for (const request of [...this.#underWay]) {
      if (request.process !== process) continue;
      this.#underWay.delete(request);
      if (request.kind === 'read') continue;
      for (const { from, to } of request.chunks) {
        if (this.#world.random.chance(0.5))
          request.medium.write(request.bytes.subarray(from, to), request.place + from);
      }
    }
  }
}

const READS: readonly FaultClass[] = ['stale read', 'bit flipped in a read', 'I/O error of a read'];
const BOTH: readonly FaultClass[] = [
  'lost completion',
  'duplicated completion',
  'partial read or write',
  'disk stalls',
  'bit flipped on the disk',
];

/** Faults that can affect a synchronous request to memory. */
const AT_ONCE: readonly FaultClass[] = [
  'bit flipped on the disk',
  'bit flipped in a read',
  'I/O error of a read',
  'I/O error of a write',
  'I/O error of a write that was done',
  'partial read or write',
];

function applies(fault: DiskFault, kind: 'read' | 'write', { machine, world: { random } }: Process): boolean {
  if (fault.left === 0 || (fault.afterRestart && machine.starts === 1)) return false;
  if (!BOTH.includes(fault.fault) && READS.includes(fault.fault) !== (kind === 'read')) return false;
  if (fault.skip > 0) {
    fault.skip -= 1;
    return false;
  }
  if (!random.chance(fault.chance)) return false;
  fault.left -= 1;
  return true;
}

function said({ error, count, bytes, answers }: Request): string {
  if (answers === 0) return ' (not answered)';
  if (error !== undefined) return `: ${error.message}`;
  return count < bytes.length ? `: ${count}` : '';
}
