/** Observes everything that both sides report and all files, and detects violations. */
import { dirname } from 'node:path';
import type { HostileActor } from '../hostile/actor.js';
import { HostileSender } from '../hostile/sender.js';
import type { Process } from '../machine/process.js';
import type { Product } from '../world/product.js';
import { same, unpacked } from './content.js';
import type { Incarnation, Outcome } from './outcome.js';
import { hasHonestDisk, isHostile, isRestore, MOST_HOSTILE_STATE, type Plan } from './plan.js';
import { INCOMING, SAVED, STATE_DIR, type Stage, TARGET, TRANSFER_DIR } from './stage.js';

/**
 * The error codes of a sender that was notified that no state exists. With any other code the sender does not know
 * whether the state exists.
 */
const TOLD_OF_FAILURE: readonly string[] = ['PEER_ABORTED'];

/** A report of a side that the state is safe. */
interface Promised {
  readonly who: string;
  /** What a power loss at that time would have left at the destination. */
  readonly content: Uint8Array | undefined;
  /** The states of which it was one. */
  readonly states: readonly Uint8Array[];
}

/** Error codes for a damaged disk, or a peer that violates the protocol. */
const OF_THE_DISK: readonly string[] = [
  ...['CORRUPT', 'FRAME_CORRUPT', 'TORN', 'MISDIRECTED', 'DIGEST_MISMATCH', 'NOT_A_TRANSFER_DISK'],
  ...['PROTOCOL_VIOLATION', 'UNKNOWN_RECORD', 'LIMIT_EXCEEDED', 'DISK_LOCKED', 'DISK_HUNG'],
];
/** Error codes for a peer that has disappeared or was restarted. */
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
  /** The reports that the state is safe. */
  readonly #promised: Promised[] = [];
  #earlier: Uint8Array | undefined;
  #isHostile: boolean;
  /** The hostile process in the stubdom, as soon as it has found the disk. */
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

  /** Records the state of a sender. */
  offered(name: string, state: Uint8Array): void {
    this.#offered.set(name, state);
  }

  /** The number of states so far. */
  get offers(): number {
    return this.#offered.size;
  }

  /** Prepares for an honest transfer, after the toolstack has taken the state from the destination. */
  forget(): void {
    this.#isHostile = false;
    this.hostile = undefined;
    this.#earlier = undefined;
    this.#offered.clear();
    this.#promised.length = 0;
    this.#files.forget(this.#destination);
  }

  /** Checks that the destination contains a whole state, or its earlier contents. */
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
    // The report of a hostile side is meaningless.
    if (this.#isHostile && (side === 'stubdom' || isRestore(this.#plan))) return;
    if (task !== 'transfer' || outcome.how !== 'done') return;
    const content = this.#files.durableContent(this.#destination);
    // The report of a sender is about its own state, that of a receiver about the state that it received.
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

  /** Returns the states of a sender that no other sender had, so that their origin is certain. */
  #itsAlone(name: string): readonly Uint8Array[] {
    return this.#statesOf(name).filter((own) => this.#states.filter((state) => same(state, own)).length === 1);
  }

  /** The maximum size of all buffers: slots of frames, and control blocks, each in a page of WebAssembly. */
  get #mostBuffers(): number {
    return 8 * (this.#plan.maxPayload + 4096) + 40 * 65536;
  }

  /** Checks that an idle process has only the resources that it needs. @param files how many files it may have open */
  idle(process: Process, files: number): void {
    // A descriptor of the disk or of a file cannot be closed while a call on it hangs.
    const { kept } = process.machine.endpoints;
    const open = [...process.files.values()].filter(
      ({ inode }) => process.hung === 0 || (inode.medium === undefined && kept.size === 0),
    );
    if (process.machine === this.#stage.dom0 && process.bufferBytes > this.#mostBuffers)
      this.violated(`${process.name} made ${process.bufferBytes} bytes of buffers`);
    if (open.length > files)
      this.violated(`${process.name} still has open: ${open.map(({ path }) => path).join(', ')}`);
  }

  /** Checks that a transfer without faults does not fail. @param which names the transfer */
  allWell(incarnations: readonly Incarnation[], which = 'a transfer that nothing went wrong with'): void {
    for (const { name, outcome } of incarnations) {
      if (outcome.how !== 'done') this.violated(`${which} fails: ${name}: ${JSON.stringify(outcome)}`);
    }
  }

  /** Checks that no error blames a disk, a peer or a destination that works correctly. */
  falselyAccused(incarnations: readonly Incarnation[]): void {
    const { kills, ends } = this.#plan;
    if (!hasHonestDisk(this.#plan)) return;
    const wrong = [...OF_THE_DISK];
    if (kills.length === 0) wrong.push(...OF_THE_PEER);
    if (ends.dom0.length + ends.stubdom.length === 0) wrong.push(...OF_THE_DESTINATION);
    // A dom0 agent that fails before both sides have their control blocks on the disk removes it, possibly from a
    // stubdom that has only just found it.
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

  /** Checks the destination after both sides have ended and dom0 has recovered. */
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
    // A file that cannot be removed, or whose directory has a call that hangs, may stay.
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
    // The next transfer removes what reappears after a power loss.
    if (!powerLost) this.#orphans(incarnations);
  }

  /** Whether a bare state is one of `states`, or with a hostile sender one that it has really completed. */
  #isWhole(content: Uint8Array, states = this.#states): boolean {
    const { hostile } = this;
    return (hostile instanceof HostileSender ? hostile.honest : states).some((state) => same(state, content));
  }

  /** Whether a killed receiver is followed by one that examines its orphans. */
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
    // The next transfer removes the orphans of an agent in the stubdom, or without the service.
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
