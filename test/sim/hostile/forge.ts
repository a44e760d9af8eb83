/**
 * Forges blocks with valid checksums and arbitrary contents. A hostile stubdom knows the format, and the seed of every
 * checksum on its disk.
 */
import type { ControlBlock, Phase, Role } from '../../../src/formats/protocol/control-block.js';
import type { FrameFields, FrameType } from '../../../src/formats/protocol/frame.js';
import type { Superblock } from '../../../src/formats/protocol/superblock.js';
import { DEVICE } from '../machine/hotplug.js';
import type { Medium } from '../machine/medium.js';
import type { Process } from '../machine/process.js';
import type { FaultClass } from '../world/faults.js';
import type { Codec } from '../world/product.js';
import type { Random } from '../world/random.js';

const BLOCK = 4096;
const PHASES: readonly Phase[] = [
  ...(['ready', 'streaming', 'sent', 'done', 'receiving', 'verified'] as const),
  ...(['committed', 'loaded', 'aborted'] as const),
];
const TYPES: readonly FrameType[] = ['begin', 'data', 'end', 'padding', 'index', 'trailer'];
/** Numbers that are plausible in a field where they are wrong. */
const NUMBERS = [
  0,
  1,
  4095,
  4096,
  4097,
  65_535,
  65_536,
  1 << 20,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 40,
  Number.MAX_SAFE_INTEGER,
];

export class Forge {
  readonly codec: Codec;
  readonly random: Random;
  readonly medium: Medium;
  readonly superblock: Superblock;
  readonly #process: Process;
  /** Blocks that were written, which may be written again. */
  readonly #written: { readonly bytes: Uint8Array; readonly position: number }[] = [];

  constructor(codec: Codec, process: Process, medium: Medium, superblock: Superblock) {
    this.codec = codec;
    this.#process = process;
    this.random = process.world.random;
    this.medium = medium;
    this.superblock = superblock;
  }

  write(bytes: Uint8Array, position: number, what: FaultClass | undefined, said: string): void {
    const { world, name } = this.#process;
    if (what === undefined) world.note(name, () => `${said} at ${position}`);
    else world.fault(name, what, () => `${said} at ${position}`);
    const end = Math.min(position + bytes.length, this.medium.size);
    this.medium.write(bytes.subarray(0, end - position), position);
    this.#written.push({ bytes: Uint8Array.from(bytes), position });
  }

  /** Whether the disk is still attached. */
  get hasDisk(): boolean {
    return this.#process.machine.files.mediumOf(DEVICE) === this.medium;
  }

  number(): number {
    return this.random.chance(0.7) ? this.random.pick(NUMBERS) : this.random.below(1 << 20);
  }

  u64(): bigint {
    return (BigInt(this.random.next()) << 32n) | BigInt(this.random.next());
  }

  /** Returns a random offset on the disk at which a block starts. */
  place(): number {
    return BLOCK * this.random.below(this.medium.size / BLOCK);
  }

  /** Writes random bytes, zeros or an old block to any offset, including superblocks and control blocks. */
  vandalise(): void {
    const old = this.#written.length === 0 ? undefined : this.random.pick(this.#written);
    const ways = [
      () => this.write(this.random.fill(new Uint8Array(BLOCK)), this.place(), 'hostile block', 'random bytes'),
      () => this.write(new Uint8Array(BLOCK), this.place(), 'hostile block', 'zeros'),
    ];
    if (old !== undefined) {
      ways.push(
        () => this.write(old.bytes, old.position, 'hostile block', 'an old block, again'),
        () => this.write(old.bytes, this.place(), 'hostile block', 'an old block, elsewhere'),
      );
    }
    this.random.pick(ways)();
  }

  controlFields(): ControlBlock {
    const { random } = this;
    return {
      sequence: this.number(),
      epoch: this.u64(),
      peerEpoch: this.u64(),
      cursor: this.number(),
      streamed: this.number(),
      phase: random.pick(PHASES),
      errorStatus: random.below(65_536),
      reason: '\u001b[31m\u0007'.repeat(random.below(100)),
    };
  }

  control(role: Role, control: ControlBlock, what: FaultClass | undefined): void {
    const slot = control.sequence % 2;
    const block = new Uint8Array(BLOCK);
    this.codec.control.encodeControlBlock(
      block,
      role,
      control,
      this.codec.layout.controlSeed(this.superblock, role, slot),
    );
    const said = `${role} ${control.phase} ${control.sequence} cursor ${control.cursor}`;
    this.write(block, this.codec.layout.CONTROL_OFFSETS[role] + slot * BLOCK, what, said);
  }

  header(fields: FrameFields): Uint8Array {
    const block = new Uint8Array(BLOCK);
    this.codec.frame.encodeFrameHeader(block, fields, this.codec.uuid.uuidSeed(this.superblock.transferUuid));
    return block;
  }

  /** Returns `fields` with one of them changed. */
  tampered(fields: FrameFields): FrameFields {
    const { random } = this;
    const changes: (() => Partial<FrameFields>)[] = [
      () => ({ type: random.pick(TYPES) }),
      () => ({ optional: true, type: random.pick(TYPES) }),
      () => ({ payloadLength: this.number() % 2 ** 32 }),
      () => ({
        sequence: random.pick([fields.sequence + 1, fields.sequence - 1, this.number()].filter((n) => n >= 0)),
      }),
      () => ({ epoch: this.u64() }),
      () => ({
        position: random.pick([fields.position + BLOCK, fields.position + this.superblock.ringLength, this.number()]),
      }),
      () => ({ streamOffset: this.number() }),
      () => ({ frameLength: this.number() % 2 ** 32 }),
      () => ({ chainBefore: this.u64() }),
      () => ({ chainAfter: this.u64() }),
      () => ({ record: random.fill(new Uint8Array(random.below(4000))) }),
    ];
    return { ...fields, ...random.pick(changes)() };
  }
}
