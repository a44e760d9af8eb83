/**
 * Requests to the transfer disk, and all that a disk can do wrong.
 *
 * A request takes effect in pieces, each at a time of its own, in any order: a reader of the other domain sees some of them. The bytes
 * of a write are taken from the buffer when a piece takes effect, as a device does: who reuses the buffer too early writes what is in
 * it then.
 */
import type { FaultClass } from '../world/faults.js';
import type { World } from '../world/world.js';
import { errno } from './errno.js';
import type { OpenFile } from './file-system.js';
import type { Medium } from './medium.js';
import type { DiskReply, Process } from './process.js';

/** What memory is written by at least. */
const WORD = 8;
const SECTOR = 512;
const BLOCK = 4096;
const TORN_BY: ReadonlyMap<number, FaultClass> = new Map([
  [WORD, 'torn write, by word'],
  [SECTOR, 'torn write, by sector'],
  [BLOCK, 'torn write, by block'],
]);
const FIRST_WORDS = 16;
/** Superblocks, control blocks and what is reserved. */
const FIRST_BLOCKS = 16;

/** A fault that is there from some request on, for some requests. */
export interface DiskFault {
  readonly fault: FaultClass;
  /** Requests that it may still meet. */
  left: number;
  /** For each request. */
  readonly chance: number;
  /** Requests of this kind that pass before it begins. */
  skip: number;
  /** Only a process that was started again meets it. */
  readonly afterRestart: boolean;
}

/** How the disk is on this day. */
export interface Weather {
  /** Chance of a request to be done in pieces. */
  readonly torn: number;
  /** Milliseconds: longest time of a request. */
  readonly slowest: number;
}

interface Piece {
  readonly from: number;
  readonly to: number;
}

interface Request {
  /** In the order in which they are asked for. */
  readonly serial: number;
  readonly kind: 'read' | 'write';
  readonly process: Process;
  readonly medium: Medium;
  readonly bytes: Uint8Array;
  readonly position: number;
  /** Where it really goes. */
  place: number;
  pieces: Piece[];
  /** Bytes that it is answered with. */
  count: number;
  error: Error | undefined;
  stale: boolean;
  /** Copied at its end, to be written once more later. */
  replayed: boolean;
  answers: number;
  /** Done to the bytes of a read, just before the answer. */
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

  /** A request that takes effect before it returns, as those to memory do. @returns bytes @throws errno */
  synchronous(kind: 'read' | 'write', process: Process, file: OpenFile, bytes: Uint8Array, position: number): number {
    return process.sync(`${kind} ${position}`, () => {
      const request = this.#request(kind, process, file, bytes, position);
      for (const fault of this.#world.calm ? [] : this.faults) {
        if (AT_ONCE.includes(fault.fault) && applies(fault, kind, process)) this.#inject(fault, request);
      }
      this.#land(request, request.pieces);
      request.spoil();
      process.world.note(process.name, () => `${kind} ${position}+${bytes.length} at once${said(request)}`);
      if (request.error !== undefined) throw request.error;
      return request.count;
    });
  }

  #request(kind: 'read' | 'write', process: Process, file: OpenFile, bytes: Uint8Array, position: number): Request {
    const { medium } = file.inode;
    if (medium === undefined) throw new Error('this file is no disk');
    this.#serial += 1;
    const request: Request = {
      ...{ serial: this.#serial, kind, process, medium, bytes, position, place: position },
      ...{ pieces: [{ from: 0, to: bytes.length }], count: bytes.length, error: undefined },
      ...{ stale: false, replayed: false, answers: 1, spoil: () => undefined },
    };
    if (file.dead) request.error = errno('EIO', file.path);
    if (file.dead || position + bytes.length > medium.size) request.pieces = [];
    return request;
  }

  #begin(request: Request, duration: number, answer: DiskReply<number>): void {
    const { scheduler, random } = this.#world;
    const answered = (): void => this.#answer(request, answer);
    if (request.pieces.length === 1) {
      scheduler.after(duration, () => {
        this.#land(request, request.pieces);
        answered();
      });
      return;
    }
    for (const piece of request.pieces) {
      scheduler.after(random.unit() * duration, () => this.#land(request, [piece]));
    }
    scheduler.after(duration * 1.01, answered);
  }

  /** Cuts it into two to four pieces. @returns milliseconds that it takes longer: pieces may be far apart */
  #tear(request: Request): number {
    const { random } = this.#world;
    const unit = random.pick(request.medium.isMemory ? [WORD, SECTOR, BLOCK] : [SECTOR, BLOCK]);
    const units = Math.floor(request.bytes.length / unit);
    if (units < 2) return 0;
    const cuts = new Set([0, request.bytes.length]);
    // What is at the front of a block means most.
    const among = unit === WORD && random.chance(0.5) ? FIRST_WORDS : units;
    for (let cut = 0; cut < 3; cut += 1) cuts.add(unit * (1 + random.below(Math.min(among, units) - 1)));
    const at = [...cuts].sort((a, b) => a - b);
    request.pieces = at.slice(1).map((to, index) => ({ from: at[index] ?? 0, to }));
    this.#world.counts.count((request.kind === 'write' ? TORN_BY.get(unit) : undefined) ?? 'torn read');
    return request.kind === 'write' && random.chance(0.3) ? random.scaled(0.5, 30) : 0;
  }

  /** @returns milliseconds that the request takes longer */
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
        request.pieces = [];
        break;
      case 'half a write lost':
        if (request.pieces.length < 2) this.#tear(request);
        if (request.pieces.length < 2) return 0;
        request.pieces.splice(random.below(request.pieces.length), 1);
        break;
      case 'stale read':
        // Counted when there is something older to be read.
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
        if (random.chance(0.5)) request.pieces = [];
        break;
      case 'I/O error of a write that was done':
        request.error = errno('EIO', 'injected');
        break;
      case 'partial read or write': {
        const sectors = bytes.length / SECTOR;
        if (sectors < 2 || request.answers > 1) return 0;
        request.count = SECTOR * (1 + random.below(sectors - 1));
        request.pieces = [{ from: 0, to: request.count }];
        break;
      }
      case 'disk stalls': {
        // As often as not longer than anybody waits for a disk.
        const ms = random.chance(0.5) ? random.between(600, 2_000) : random.scaled(5, 600);
        done(`for ${ms.toFixed(0)} ms`);
        return ms;
      }
      default:
        throw new Error(`a disk knows no fault of the class ${fault.fault}`);
    }
    done(fault.fault === 'misdirected write' ? `to ${request.place}` : '');
    if (fault.fault === 'bit flipped in a read') this.#flipLater(request);
    return 0;
  }

  /** Where a request may go astray to: nearby, or anywhere. */
  #elsewhere({ medium, bytes, position }: Request): number {
    const { random } = this.#world;
    const last = Math.floor((medium.size - bytes.length) / BLOCK);
    if (random.chance(0.5)) return BLOCK * random.below(last + 1);
    return Math.max(0, Math.min(last * BLOCK, position + BLOCK * random.pick([-2, -1, 1, 2])));
  }

  /** A byte below `size`: often one of the first of a block, which mean most, and often one before the ring. */
  #tellingByte(size: number): number {
    const { random } = this.#world;
    const blocks = Math.floor(size / BLOCK);
    const block = random.below(random.chance(0.5) ? Math.min(FIRST_BLOCKS, blocks) : blocks);
    return BLOCK * block + random.below(random.chance(0.5) ? 128 : BLOCK);
  }

  /** A bit of what a read brings: after all pieces have landed, before the answer. */
  #flipLater(request: Request): void {
    const { random } = this.#world;
    const at = this.#tellingByte(request.bytes.length);
    const bit = 1 << random.below(8);
    request.spoil = () => {
      request.bytes[at] = (request.bytes[at] ?? 0) ^ bit;
    };
  }

  #land({ kind, process, medium, bytes, place, stale }: Request, pieces: readonly Piece[]): void {
    if (!process.alive) return;
    for (const { from, to } of pieces) {
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

  /** The process is gone: of what it had asked for, each piece is done or not. */
  abandon(process: Process): void {
    for (const request of [...this.#underWay]) {
      if (request.process !== process) continue;
      this.#underWay.delete(request);
      if (request.kind === 'read') continue;
      for (const { from, to } of request.pieces) {
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

/** What can befall a request to memory, which is answered when it returns. */
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
