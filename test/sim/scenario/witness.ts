/** Sees all that the two sides say and all that is on the disks, and knows what must not be. */
import { dirname } from 'node:path';
import type { HostileActor } from '../hostile/actor.js';
import { HostileSender } from '../hostile/sender.js';
import type { Process } from '../machine/process.js';
import type { Product } from '../world/product.js';
import { same, unpacked } from './content.js';
import type { Incarnation, Outcome } from './outcome.js';
import { hasHonestDisk, isHostile, isRestore, MOST_HOSTILE_STATE, type Plan } from './plan.js';
import { INCOMING, SAVED, STATE_DIR, type Stage, TARGET, TRANSFER_DIR } from './stage.js';

/** What a sender says when it was told that there is no state. Whatever else it says of a failure means: it is not known. */
const TOLD_OF_FAILURE: readonly string[] = ['PEER_ABORTED'];

/** A side said that the state is safe. */
interface Promised {
  readonly who: string;
  /** What a loss of power would have left at the destination just then. */
  readonly content: Uint8Array | undefined;
  /** Of which it was one. */
  readonly states: readonly Uint8Array[];
}

/** What is said of a disk that is damaged, or of a peer that breaks the protocol. */
const OF_THE_DISK: readonly string[] = [
  ...['CORRUPT', 'FRAME_CORRUPT', 'TORN', 'MISDIRECTED', 'DIGEST_MISMATCH', 'NOT_A_TRANSFER_DISK'],
  ...['PROTOCOL_VIOLATION', 'UNKNOWN_RECORD', 'LIMIT_EXCEEDED', 'DISK_LOCKED', 'DISK_HUNG'],
];
/** What is said of a peer that is gone without a word, or has been before. */
const OF_THE_PEER: readonly string[] = ['PEER_DEAD', 'PEER_RESTARTED', 'STALE_EPOCH', 'DISK_IO'];
const OF_THE_DESTINATION: readonly string[] = ['DESTINATION_IO', 'DESTINATION_FULL', 'DESTINATION_UNWRITABLE'];

export class Witness {
  readonly #violations: string[] = [];
  readonly #product: Product;
  readonly #stage: Stage;
  readonly #plan: Plan;
  /** The state of each sender, by its name. */
  readonly #offered = new Map<string, Uint8Array>();
  readonly #destination: string;
  readonly #machine: 'dom0' | 'stubdom';
  /** What was there when a side said that the state is safe, as a loss of power would leave it. */
  readonly #promised: Promised[] = [];
  #earlier: Uint8Array | undefined;
  #isHostile: boolean;
  /** Who is in the stubdom instead of an agent, from when it has met the disk. */
  hostile: HostileActor | undefined;
  #committed = false;

  constructor(product: Product, stage: Stage, plan: Plan) {
    this.#product = product;
    this.#stage = stage;
    this.#plan = plan;
    this.#machine = isRestore(plan) ? 'stubdom' : 'dom0';
    this.#isHostile = isHostile(plan);
    this.#destination = isRestore(plan) ? INCOMING : SAVED;
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  get committed(): boolean {
    return this.#committed;
  }

  get #files() {
    return this.#stage[this.#machine].files;
  }

  violated(what: string): void {
    this.#stage.world.note('!!', () => what);
    this.#violations.push(what);
  }

  begin(): void {
    if (this.#plan.earlier) {
      this.#earlier = new Uint8Array(100).fill(7);
      this.#files.put(this.#destination, this.#earlier, { durable: true });
    }
    this.#files.onName = () => this.#look();
  }

  /** A sender has this state to send. */
  offered(name: string, state: Uint8Array): void {
    this.#offered.set(name, state);
  }

  /** States that were to be sent so far. */
  get offers(): number {
    return this.#offered.size;
  }

  /** The toolstack has taken what was at the destination, and an honest transfer follows. */
  forget(): void {
    this.#isHostile = false;
    this.hostile = undefined;
    this.#earlier = undefined;
    this.#offered.clear();
    this.#promised.length = 0;
    this.#files.forget(this.#destination);
  }

  /** Whoever looks at the destination now sees a whole state, or what was there before. */
  #look(): void {
    const content = this.#files.content(this.#destination);
    if (content === undefined || same(content, this.#earlier) || this.#plan.kind === 'save by hand') return;
    if (!this.#isWhole(content)) this.violated('something else than the state is at the destination');
    if (this.#isHostile && content.length > MOST_HOSTILE_STATE)
      this.violated(`a state of ${content.length} bytes is taken, where dom0 allows ${MOST_HOSTILE_STATE}`);
  }

  ended({ name, side, task, outcome }: Incarnation): void {
    if (outcome.how === 'failed' && ['INTERNAL', 'NOT OURS'].includes(outcome.error.code))
      this.violated(`${name} ended with what is no error of a transfer: ${JSON.stringify(outcome.error)}`);
    if (task === 'recover' && outcome.how === 'failed')
      this.violated(`${name} cannot recover: ${JSON.stringify(outcome.error)}`);
    // What a hostile side says of itself is nothing.
    if (this.#isHostile && (side === 'stubdom' || isRestore(this.#plan))) return;
    if (task !== 'transfer' || outcome.how !== 'done') return;
    const content = this.#files.durableContent(this.#destination);
    // A sender speaks of its own state, a receiver of the one that it got.
    if (side === this.#machine) this.#promised.push({ who: `${name}, the receiver`, content, states: this.#states });
    else this.#promised.push({ who: `${name}, the sender`, content, states: this.#statesOf(name) });
  }

  get #states(): readonly Uint8Array[] {
    return [...this.#offered.values()];
  }

  #statesOf(name: string): readonly Uint8Array[] {
    const state = this.#offered.get(name);
    return state === undefined ? [] : [state];
  }

  /** What no other sender had as well: of that, nobody could say whose it is. */
  #itsAlone(name: string): readonly Uint8Array[] {
    return this.#statesOf(name).filter((own) => this.#states.filter((state) => same(state, own)).length === 1);
  }

  /** Slots of frames, and control blocks of which each takes a page of WebAssembly. */
  get #mostBuffers(): number {
    return 8 * (this.#plan.maxPayload + 4096) + 40 * 65536;
  }

  /** A process that has nothing to do: it holds what it needs, and no more. @param files that it may have open */
  idle(process: Process, files: number): void {
    // Under a call that hangs a descriptor cannot be closed, be it of the disk or of a file.
    const { kept } = process.machine.endpoints;
    const open = [...process.files.values()].filter(
      ({ inode }) => process.hung === 0 || (inode.medium === undefined && kept.size === 0),
    );
    if (process.machine === this.#stage.dom0 && process.bufferBytes > this.#mostBuffers)
      this.violated(`${process.name} made ${process.bufferBytes} bytes of buffers`);
    if (open.length > files)
      this.violated(`${process.name} still has open: ${open.map(({ path }) => path).join(', ')}`);
  }

  /** Where nothing was done that a transfer may fail of, it does not fail. @param which transfer */
  allWell(incarnations: readonly Incarnation[], which = 'a transfer that nothing went wrong with'): void {
    for (const { name, outcome } of incarnations) {
      if (outcome.how !== 'done') this.violated(`${which} fails: ${name}: ${JSON.stringify(outcome)}`);
    }
  }

  /** Nobody blames a disk or a peer that has done nothing. */
  falselyAccused(incarnations: readonly Incarnation[]): void {
    const { kills, ends } = this.#plan;
    if (!hasHonestDisk(this.#plan)) return;
    const wrong = [...OF_THE_DISK];
    if (kills.length === 0) wrong.push(...OF_THE_PEER);
    if (ends.dom0.length + ends.stubdom.length === 0) wrong.push(...OF_THE_DESTINATION);
    // An agent of dom0 that gives up before one of the two was on the disk takes it away from a stubdom that has only just found it.
    const gaveUp = incarnations.filter(({ side, outcome }) => side === 'dom0' && outcome.how === 'failed');
    const mayBeTaken = ({ side, met }: Incarnation): boolean =>
      side === 'stubdom' && gaveUp.some((dom0) => !dom0.met || !met);
    for (const incarnation of incarnations) {
      const { name, outcome } = incarnation;
      if (outcome.how !== 'failed') continue;
      const { code } = outcome.error;
      if (code === 'DISK_IO' && mayBeTaken(incarnation)) continue;
      if (wrong.includes(code)) this.violated(`${name} blames who has done nothing: ${JSON.stringify(outcome.error)}`);
    }
  }

  /** After both sides have ended and dom0 has recovered. */
  async atTheEnd(incarnations: readonly Incarnation[], { powerLost = false } = {}): Promise<void> {
    const content = this.#files.content(this.#destination);
    for (const { who, content: promised, states } of this.#promised) {
      if (!(await this.#isState(promised, states)))
        this.violated(`${who} said that the state is safe, and a loss of power would have left ${sizeOf(promised)}`);
      if (!(await this.#isState(content, states)))
        this.violated(`${who} said that the state is safe, and it is not there, but ${sizeOf(content)}`);
    }
    const there = await this.#isState(content);
    this.#committed ||= there;
    if (content !== undefined && !there && !same(content, this.#earlier))
      this.violated(`something else than the state is at the destination: ${sizeOf(content)}`);
    // Where a file cannot be removed, or a call hangs in its folder, nothing can be done about it.
    const { kept } = this.#stage[this.#machine].endpoints;
    const removable = !kept.has(this.#destination) && !kept.has(dirname(this.#destination));
    for (const { name, side, outcome } of incarnations) {
      if (side === this.#machine || outcome.how !== 'failed' || !removable) continue;
      if (!(await this.#isState(content, this.#itsAlone(name)))) continue;
      if (isTold(outcome)) this.violated(`${name} was told of a failure, and the state is there`);
      else if (hasHonestDisk(this.#plan) && this.#isRecovered)
        this.violated(
          `${name} was not told, of a disk that can be read, and the state is there: ${outcome.error.code}`,
        );
    }
    // What a loss of power brings back goes with the next transfer.
    if (!powerLost) this.#orphans(incarnations);
  }

  /** Of a bare state: whether it is the one that was to be sent, or of a hostile sender one that it has really ended. */
  #isWhole(content: Uint8Array, states = this.#states): boolean {
    const { hostile } = this;
    return (hostile instanceof HostileSender ? hostile.honest : states).some((state) => same(state, content));
  }

  /** Whether a receiver that was killed is followed by one that looks at what it has left. */
  get #isRecovered(): boolean {
    return this.#plan.kind === 'save' || this.#plan.kills.length === 0;
  }

  async #isState(content: Uint8Array | undefined, states = this.#states): Promise<boolean> {
    if (content === undefined) return false;
    if (this.#plan.kind !== 'save by hand') return this.#isWhole(content, states);
    try {
      const { begin, state } = await unpacked(this.#product, content);
      const itsOwn = begin.targetUuid === TARGET.targetUuid && begin.targetDomid === TARGET.target;
      return itsOwn && begin.sha256 === this.#plan.sha256 && this.#isWhole(state, states);
    } catch {
      return false;
    }
  }

  #orphans(incarnations: readonly Incarnation[]): void {
    const { dom0, stubdom, hotplug } = this.#stage;
    const killed = incarnations.some(({ outcome }) => outcome.how === 'killed');
    // What a killed agent has left by hand, or in the stubdom, goes with the next transfer.
    const kept = dom0.endpoints.kept.size + stubdom.endpoints.kept.size > 0;
    if (kept ? incarnations.every(({ outcome }) => outcome.how === 'done') : !killed || this.#plan.kind === 'save') {
      const parts = [...dom0.files.readdir(STATE_DIR), ...stubdom.files.readdir('/s')].filter((name) =>
        name.endsWith('.part'),
      );
      const others = dom0.files.readdir(TRANSFER_DIR).filter((name) => name !== 'service.lock');
      const attached = hotplug.attached.map(({ backing }) => backing);
      const left = [...parts, ...others, ...attached];
      if (left.length > 0) this.violated(`left over: ${left.join(', ')}`);
    }
  }
}

function isTold(outcome: Outcome): boolean {
  return outcome.how === 'failed' && TOLD_OF_FAILURE.includes(outcome.error.code);
}

const sizeOf = (content: Uint8Array | undefined): string =>
  content === undefined ? 'nothing' : `a file of ${content.length} bytes`;
