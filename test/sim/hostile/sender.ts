/**
 * A hostile sender. It follows the protocol for some time, so that the transfer proceeds, and then violates it: forged
 * frames, END records with false contents, payloads that change after they were read, and blocks that belong to dom0.
 */
import { createHash } from 'node:crypto';
import type { FrameFields, FrameType } from '../../../src/formats/protocol/frame.js';
import type { EndRecord } from '../../../src/formats/protocol/records.js';
import type { Process } from '../machine/process.js';
import type { Forge } from './forge.js';

const BLOCK = 4096;

export class HostileSender {
  readonly #forge: Forge;
  readonly #process: Process;
  readonly #epoch: bigint;
  readonly #pieces: Uint8Array[] = [];
  /** The states that it has completed with a correct END. */
  readonly honest: Uint8Array[] = [];
  #control = 1;
  #position = 0;
  #sequence = 0;
  #bytes = 0;
  #chain = 0n;
  #begun = false;
  /** The offset of its last frame on the disk. */
  #last = 0;

  constructor(forge: Forge, process: Process) {
    this.#forge = forge;
    this.#process = process;
    this.#epoch = forge.u64() | 1n;
  }

  /** Performs a random number of actions. dom0 must end the transfer without it. */
  async whole(): Promise<void> {
    const { random } = this.#forge;
    if (random.chance(0.1)) return this.#drip();
    const tameness = random.pick([0.5, 0.9, 0.98]);
    const actions = random.pick([10, 40, 120]);
    const slowest = random.pick([[1, 10, 300], [1, 10, 300], [3_000]]);
    this.#beat('ready');
    for (let action = 0; action < actions && this.#forge.hasDisk; action += 1) {
      await this.#wait(random.scaled(0.05, random.pick(slowest)));
      if (random.chance(tameness)) this.#goOn();
      else this.#harm();
    }
  }

  /** Follows the protocol, and never ends the state. */
  async #drip(): Promise<void> {
    const { random } = this.#forge;
    this.#goOn();
    for (let drop = 0; drop < 80 && this.#forge.hasDisk; drop += 1) {
      this.#beat('streaming');
      await this.#wait(random.between(50, 300));
      this.#data(1);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#process.after(ms, resolve));
  }

  #beat(phase: 'ready' | 'streaming' | 'sent'): void {
    this.#control += 1;
    const standing = { peerEpoch: 0n, cursor: this.#position, streamed: this.#bytes, errorStatus: 0, reason: '' };
    this.#forge.control('sender', { ...standing, sequence: this.#control, epoch: this.#epoch, phase }, undefined);
  }

  /** Does what an honest sender would do next. */
  #goOn(): void {
    const { random, codec, superblock } = this.#forge;
    if (!this.#begun) {
      this.#begun = true;
      const record = codec.records.encodeBegin({
        ...{
          kind: 'opaque' as const,
          targetUuid: superblock.targetUuid,
          targetDomid: 0,
          qemuVersion: '',
          machineType: '',
        },
        ...{ stubferryVersion: 'hostile', createdMs: 0, sha256: true },
      });
      this.#frame('begin', new Uint8Array(0), record);
    } else if (random.chance(0.15)) this.#end();
    else if (random.chance(0.2)) this.#beat('streaming');
    else this.#data(random.chance(0.3) ? 1 : 1 + random.below(superblock.maxPayload));
  }

  #data(length: number): void {
    const payload = this.#forge.random.fill(new Uint8Array(length));
    this.#pieces.push(payload);
    this.#frame('data', payload);
  }

  #ended(): EndRecord {
    const content = new Uint8Array(Buffer.concat(this.#pieces));
    const sha256 = new Uint8Array(createHash('sha256').update(content).digest());
    const running = this.#forge.codec.xxh64.createXxh64();
    running.update(content);
    const xxh64 = new Uint8Array(8);
    new DataView(xxh64.buffer).setBigUint64(0, running.digest());
    return {
      ...{ stateBytes: this.#bytes, dataFrames: this.#pieces.length, chain: this.#chain },
      digests: { xxh64, sha256 },
    };
  }

  #end(): void {
    this.honest.push(new Uint8Array(Buffer.concat(this.#pieces)));
    this.#frame('end', new Uint8Array(0), this.#forge.codec.records.encodeEnd(this.#ended()));
    this.#beat('sent');
  }

  /** Sends an END with one false value. */
  #lie(): void {
    const { random, codec } = this.#forge;
    const end = this.#ended();
    const { xxh64, sha256 } = end.digests ?? { xxh64: new Uint8Array(8), sha256: new Uint8Array(32) };
    const lie = random.pick<EndRecord>([
      { ...end, stateBytes: end.stateBytes + random.pick([-1, 1, 4096]) },
      { ...end, dataFrames: end.dataFrames + random.pick([-1, 1]) },
      { ...end, chain: end.chain ^ 1n },
      { ...end, digests: { sha256, xxh64: xxh64.map((byte) => byte ^ 1) } },
      { ...end, digests: { xxh64, sha256: sha256.map((byte) => byte ^ 1) } },
    ]);
    if (lie.stateBytes < 0 || lie.dataFrames < 0) return;
    this.#process.world.fault(this.#process.name, 'hostile frame', () => 'an END that lies');
    this.#frame('end', new Uint8Array(0), codec.records.encodeEnd(lie));
    this.#beat('sent');
  }

  #fields(type: FrameType, payload: Uint8Array, record?: Uint8Array): FrameFields {
    const padded = this.#padded(payload);
    const chainAfter = this.#forge.codec.frame.chainOver(padded, this.#chain);
    return {
      ...{ type, payloadLength: payload.length, streamOffset: type === 'data' ? this.#bytes : 0 },
      ...{ sequence: this.#sequence, epoch: this.#epoch, position: this.#position },
      ...{ chainBefore: this.#chain, chainAfter },
      ...(record === undefined ? {} : { record }),
    };
  }

  #padded(payload: Uint8Array): Uint8Array {
    const padded = new Uint8Array(Math.ceil(payload.length / BLOCK) * BLOCK);
    padded.set(payload);
    return padded;
  }

  /** Sends a correct frame, with padding before it at the end of a lap. It does not wait, and may overrun the ring. */
  #frame(type: FrameType, payload: Uint8Array, record?: Uint8Array): void {
    const { superblock } = this.#forge;
    const length = BLOCK + this.#padded(payload).length;
    const lapLeft = superblock.ringLength - (this.#position % superblock.ringLength);
    if (length > lapLeft) {
      const fields = { ...this.#fields('padding', new Uint8Array(0)), frameLength: lapLeft };
      this.#put(this.#forge.header(fields), lapLeft);
    }
    const fields = this.#fields(type, payload, record);
    const frame = Buffer.concat([this.#forge.header(fields), this.#padded(payload)]);
    this.#put(frame, length);
    if (type !== 'data') return;
    this.#chain = fields.chainAfter;
    this.#bytes += payload.length;
  }

  #put(frame: Uint8Array, length: number): void {
    this.#last = this.#here;
    this.#forge.write(frame, this.#last, undefined, 'a frame');
    this.#position += length;
    this.#sequence += 1;
  }

  #harm(): void {
    const { random } = this.#forge;
    const fields = this.#forge.controlFields();
    const mine = { ...fields, epoch: this.#epoch, sequence: this.#control + 1 };
    const ways = [
      () => this.#forge.vandalise(),
      () => this.#forge.control('sender', fields, 'hostile control block'),
      () => this.#forge.control('sender', mine, 'hostile control block'),
      // The control block of dom0.
      () => this.#forge.control('receiver', fields, 'hostile control block'),
      () => this.#lie(),
      () => this.#changeLater(),
      () => this.#forged(),
    ];
    if (random.chance(0.2)) this.#lie();
    else random.pick(ways)();
  }

  /** The offset of its next frame on the disk. */
  get #here(): number {
    const { ringStart, ringLength } = this.#forge.superblock;
    return ringStart + (this.#position % ringLength);
  }

  #forged(): void {
    const { random } = this.#forge;
    const fields = this.#fields(random.pick(['data', 'end', 'padding', 'begin']), new Uint8Array(random.below(9000)));
    const forged = this.#forge.header(this.#forge.tampered(fields));
    this.#forge.write(forged, this.#here, 'hostile frame', 'a forged frame');
  }

  /** Sends a correct frame whose payload changes later, possibly between two reads. */
  #changeLater(): void {
    const { random } = this.#forge;
    const length = 1 + random.below(this.#forge.superblock.maxPayload);
    this.#data(length);
    const here = this.#last;
    for (let time = 0; time < 4; time += 1) {
      const piece = random.fill(new Uint8Array(512));
      this.#process.after(random.scaled(0.01, 5), () => {
        const at = here + BLOCK + 512 * random.below(Math.ceil(length / 512));
        this.#forge.write(piece, at, 'hostile block', 'a payload that changes');
      });
    }
  }
}
