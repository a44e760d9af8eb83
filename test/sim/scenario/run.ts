/**
 * The run of one seed: a transfer with the faults of its plan, the recovery, and another transfer without faults.
 *
 *     start both sides --faults, kills, restarts--> both have ended --> dom0 recovers
 *         --> check that nothing is left --> check that the next transfer works
 */

import { meetDisk } from '../hostile/actor.js';
import type { Process } from '../machine/process.js';
import type { FaultCounts } from '../world/faults.js';
import type { Product } from '../world/product.js';
import { Random } from '../world/random.js';
import { World } from '../world/world.js';
import { inStubdom, LONGEST_END, type Setting, saveByHand, serve } from './actors.js';
import { LEAST_STATE, makeState } from './content.js';
import { failure, type Incarnation } from './outcome.js';
import { drawPlan, isHarmless, isHostile, isRestore, type Kill, type Plan } from './plan.js';
import { INCOMING, SOURCE, Stage, TO_RESTORE } from './stage.js';
import { Witness } from './witness.js';

/** The copies of the product for both machines. */
export interface Products {
  readonly dom0: Product;
  readonly stubdom: Product;
}

export interface RunReport {
  readonly seed: number;
  readonly plan: Plan;
  /** Descriptions of all violations; empty when the run passes. */
  readonly violations: readonly string[];
  readonly counts: FaultCounts;
  /** How each process ended. */
  readonly outcomes: readonly string[];
  readonly committed: boolean;
  readonly trace: readonly string[];
  readonly events: number;
  /** The virtual time at the end. */
  readonly milliseconds: number;
}

/**
 * Everything must end within this time after the last fault, in milliseconds. It is the sum of all timeouts: the
 * product's own, and those that it is given.
 */
const SUM_OF_DEADLINES = 20_000;

/** The maximum number of events of a run. A run that needs more is considered an endless loop. */
const MOST_EVENTS = 400_000;

export async function runSeed(products: Products, seed: number, { traced = false } = {}): Promise<RunReport> {
  const world = new World(seed, { traced });
  const plan = drawPlan(new Random(seed, 2));
  const run = new Run(products, world, plan);
  const rejected = (error: unknown): void => run.witness.violated(`a rejection that nobody handles: ${error}`);
  process.on('unhandledRejection', rejected);
  try {
    await run.whole();
  } finally {
    process.off('unhandledRejection', rejected);
  }
  return {
    ...{ seed, plan, violations: run.witness.violations, counts: world.counts, trace: world.trace },
    outcomes: run.incarnations.map(({ name, task, outcome }) => {
      return `${name} (${task}) ${outcome.how === 'failed' ? outcome.error.code : outcome.how}`;
    }),
    committed: run.committed,
    events: world.scheduler.count,
    milliseconds: world.now,
  };
}

class Run {
  readonly world: World;
  readonly witness: Witness;
  readonly incarnations: Incarnation[] = [];
  readonly #products: Products;
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #kills: Record<'dom0' | 'stubdom', Kill[]>;
  /** Whether the state was at the destination at the end. */
  committed = false;
  #restartsDue = 0;
  #powerLost = false;
  #transfer = 0;

  constructor(products: Products, world: World, plan: Plan) {
    this.#products = products;
    this.world = world;
    this.#plan = plan;
    this.#stage = new Stage(world, plan);
    this.#kills = { dom0: [], stubdom: [] };
    for (const kill of plan.kills) this.#kills[kill.side].push(kill);
    this.witness = new Witness(products.stubdom, this.#stage, plan);
  }

  async whole(): Promise<void> {
    this.witness.begin();
    this.#start('dom0', 'transfer');
    this.world.scheduler.after(this.#plan.stubdomStartsMs, () => {
      if (!this.#powerLost) this.#start('stubdom', 'transfer');
    });
    this.#planned();
    const ended = (): boolean =>
      this.incarnations.some(({ side }) => side === 'stubdom' || this.#powerLost) &&
      (this.#quiet() || this.#isLeftToHarm());
    if (!(await this.#until(ended, 'not all of it has ended'))) return;
    await this.#recover();
    await this.witness.atTheEnd(this.incarnations, { powerLost: this.#powerLost });
    this.witness.falselyAccused(this.incarnations);
    if (isHarmless(this.#plan)) this.witness.allWell(this.incarnations);
    this.committed = this.witness.committed;
    if (this.witness.violations.length === 0 && this.#shouldGoOn()) await this.#theNext();
  }

  /** Gives each sender another state, because a guest runs on before its save is requested again. */
  #offer({ name, side }: Incarnation): void {
    const restore = isRestore(this.#plan);
    if ((side === 'dom0') !== restore) return;
    const { random } = this.world;
    const again = this.witness.offers > 0 && random.chance(0.5);
    const state = makeState(random, again ? random.whole(LEAST_STATE, this.#plan.stateBytes) : this.#plan.stateBytes);
    this.#stage[side].files.put(restore ? TO_RESTORE : SOURCE, state, { durable: true });
    this.witness.offered(name, state);
  }

  /** Schedules the faults of the plan that happen at a time and not at a step. */
  #planned(): void {
    const { scheduler } = this.world;
    for (const { side, atMs, forMs } of this.#plan.stops) {
      scheduler.after(atMs, () => {
        const { process } = this.#stage[side];
        if (this.world.calm || process?.alive !== true) return;
        this.world.fault(process.name, 'process stopped', () => `for ${forMs.toFixed(0)} ms`);
        process.stop(forMs);
        scheduler.after(forMs, () => {
          this.world.disturbedAt = this.world.now;
        });
      });
    }
    const { powerLossMs, unplugMs } = this.#plan;
    if (powerLossMs !== undefined) scheduler.after(powerLossMs, () => void (this.world.calm || this.#losePower()));
    if (unplugMs !== undefined) {
      scheduler.after(unplugMs, () => {
        if (this.world.calm || this.#stage.hotplug.attached.length === 0) return;
        this.world.fault('stubdom', 'disk taken away');
        this.#stage.hotplug.unplug();
      });
    }
  }

  #losePower(): void {
    const { dom0, stubdom, hotplug } = this.#stage;
    this.world.fault('both', 'power lost');
    this.#powerLost = true;
    for (const { process } of [dom0, stubdom]) process?.kill('power lost');
    hotplug.clear();
    dom0.files.losePower(this.world.random);
  }

  #start(side: 'dom0' | 'stubdom', task: Incarnation['task'], plan = this.#plan): Incarnation {
    const process = this.#stage[side].start();
    const product = this.#products[side];
    product.host.run(process);
    process.slowness = this.world.calm ? 1 : plan.slowness[side];
    if (process.slowness > 1) this.world.counts.count('slow process');
    const incarnation: Incarnation = { name: process.name, side, task, met: false, outcome: { how: 'running' } };
    this.incarnations.push(incarnation);
    this.#mortal(process, incarnation);
    if (task === 'transfer') this.#offer(incarnation);
    const onDisk = (): void => {
      incarnation.met = true;
    };
    const setting: Setting = { product, process, stage: this.#stage, plan, onDisk };
    this.world.scheduler.wake();
    this.#main(setting, incarnation).then(
      () => this.#ended(process, incarnation, { how: 'done' }),
      (error: unknown) => this.#ended(process, incarnation, failure(error)),
    );
    return incarnation;
  }

  #main(setting: Setting, { side, task }: Incarnation): Promise<void> {
    if (side === 'stubdom') return this.#hostile && !this.world.calm ? this.#harm(setting) : inStubdom(setting);
    if (task === 'recover') return serve(setting, undefined);
    this.#transfer += 1;
    const transferUuid = `6f1ed7a2-0c5b-4a2e-9b0f-${`${this.#transfer}`.padStart(12, '0')}`;
    return setting.plan.kind === 'save by hand' ? saveByHand(setting, transferUuid) : serve(setting, transferUuid);
  }

  get #hostile(): boolean {
    return isHostile(this.#plan);
  }

  async #harm({ product, process, plan }: Setting): Promise<void> {
    const actor = await meetDisk(product, process, isRestore(plan) ? 'receiver' : 'sender');
    if (actor === undefined) return;
    this.witness.hostile = actor;
    await actor.whole();
  }

  #ended(process: Process, incarnation: Incarnation, outcome: Incarnation['outcome']): void {
    if (!process.alive || incarnation.outcome.how !== 'running') return;
    incarnation.outcome = outcome;
    this.#longest(process);
    this.world.note(process.name, () => `ENDED ${JSON.stringify(outcome)}`);
    this.witness.ended(incarnation);
  }

  /** Checks that a hostile stubdom kept dom0 busy only for the time limit of a transfer and of its end. */
  #longest({ name, machine, startedAt }: Process): void {
    const took = this.world.now - startedAt;
    const end = this.#plan.ends.dom0.length > 0 ? LONGEST_END.hanging : LONGEST_END.usual;
    if (!this.#hostile || machine !== this.#stage.dom0 || took <= this.#plan.lifetimeMs + end) return;
    this.witness.violated(`${name} was kept busy for ${took.toFixed(0)} ms`);
  }

  #mortal(process: Process, incarnation: Incarnation): void {
    const { side, task } = incarnation;
    const kill = this.world.calm ? undefined : this.#kills[side].shift();
    process.onKilled = () => {
      if (incarnation.outcome.how === 'running') incarnation.outcome = { how: 'killed' };
      if (this.#powerLost) return;
      this.world.fault(process.name, side === 'dom0' ? 'dom0 killed' : 'stubdom killed');
      if (task === 'recover') this.world.counts.count('killed while it recovers');
      if (kill?.restartMs === undefined || (side === 'dom0' && this.#plan.kind === 'save by hand')) return;
      this.#restartsDue += 1;
      this.world.scheduler.after(kill.restartMs, () => {
        this.#restartsDue -= 1;
        if (this.#powerLost) return;
        this.world.fault(side, 'restarted');
        this.#start(side, side === 'dom0' ? 'recover' : 'transfer');
      });
    };
    if (kill !== undefined) process.death = { steps: kill.steps, from: kill.from, armed: false };
  }

  #quiet(): boolean {
    return this.#restartsDue === 0 && this.incarnations.every(({ outcome }) => outcome.how !== 'running');
  }

  /** Whether a hostile stubdom may continue because dom0 was not restarted. The recovery removes its disk. */
  #isLeftToHarm(): boolean {
    return this.#hostile && this.#restartsDue === 0 && this.#stage.dom0.process?.alive !== true;
  }

  /** Runs until `done` returns true. A timeout is a violation. */
  async #until(done: () => boolean, otherwise: string): Promise<boolean> {
    const { plan, world } = { plan: this.#plan, world: this.world };
    const slowest = plan.weather.slowest + Math.max(plan.slowness.dom0, plan.slowness.stubdom);
    const way = (20 + plan.stateBytes / plan.maxPayload) * 10 * slowest;
    const limit = (): number => (world.scheduler.count > MOST_EVENTS ? 0 : world.disturbedAt + SUM_OF_DEADLINES + way);
    if (await world.scheduler.run(done, limit)) return true;
    const running = this.incarnations.filter(({ outcome }) => outcome.how === 'running').map(({ name }) => name);
    this.witness.violated(`${otherwise}: ${running.join(', ') || 'nothing'} runs at ${world.now.toFixed(0)} ms`);
    return false;
  }

  /** Restarts the stubferry service if it was killed, and checks that nothing is left. */
  async #recover(): Promise<void> {
    this.world.calm = true;
    const { dom0, stubdom } = this.#stage;
    const byHand = this.#plan.kind === 'save by hand';
    this.world.disturbedAt = this.world.now;
    // A process that has not reached the step of its kill is not killed.
    for (const { process } of [dom0, stubdom]) if (process !== undefined) process.death = undefined;
    if (dom0.process?.alive !== true && !byHand) {
      this.#start('dom0', 'recover');
      await this.#until(() => this.#quiet(), 'the recovery has not ended');
    }
    for (const { process } of [dom0, stubdom]) {
      if (process?.alive !== true) continue;
      const idle = (): boolean => process.pending <= process.hung && process.timers.size === 0;
      if (!(await this.#until(idle, `${process.name} has left something running`))) return;
      this.witness.idle(process, byHand || process.machine === stubdom ? 0 : 1);
      process.exit();
    }
  }

  #shouldGoOn(): boolean {
    return this.#plan.kills.length > 0 || this.#powerLost || this.world.random.chance(0.2);
  }

  /** Runs another transfer to the same destination without faults. It must succeed and remove all orphans. */
  async #theNext(): Promise<void> {
    const { dom0, stubdom } = this.#stage;
    const byHand = this.#plan.kind === 'save by hand';
    // The toolstack takes the state that it was given.
    this.witness.forget();
    if (isRestore(this.#plan)) stubdom.files.forget(INCOMING);
    // Without the service, nothing removes the disk of a killed agent.
    if (byHand) this.#stage.hotplug.clear();
    if (byHand) for (const name of dom0.files.readdir('/run/stubferry')) dom0.files.unlink(`/run/stubferry/${name}`);
    this.world.disturbedAt = this.world.now;
    const before = this.incarnations.length;
    this.#start('dom0', 'transfer');
    this.#start('stubdom', 'transfer');
    if (!(await this.#until(() => this.#quiet(), 'the next transfer has not ended'))) return;
    this.witness.allWell(this.incarnations.slice(before), 'the next transfer');
    await this.#recover();
    await this.witness.atTheEnd(this.incarnations.slice(before));
  }
}
