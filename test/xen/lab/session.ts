/**
 * One lab for a whole run, with recovery from crashes.
 *
 *     a test failed --> Xen or dom0 has crashed            the lab is rebooted, and the test is retried once
 *                       the emulator has broken a guest    the test is retried once with another guest
 *                       neither                            the test has failed
 *
 * Xen under QEMU's emulation crashes now and then. Therefore a test accepts the lab in any state, and creates what it
 * needs with {@link Session.once}, which returns what an earlier test of the same boot has already created.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, it } from '@jest/globals';
import type { XenResults } from '../../bench/xen-results.js';
import { artefacts } from '../build/artefacts.js';
import { calibratedClock, type EmulatedClock } from './emulated-clock.js';
import { Lab, LabCrash } from './lab.js';
import { Report } from './report.js';

const BOOTS_AT_MOST = 3;
/** The attempts of a test if the emulator breaks Xen, dom0 or a guest in the first one. */
const ATTEMPTS_AT_MOST = 2;
/**
 * The limit for all tests together, in milliseconds of the emulated machine's clock. Tests that have not started then
 * fail immediately.
 */
const RUN_MS = 16 * 60_000;
/** The limit for one attempt, by the same clock. */
const TEST_MS = 4 * 60_000;
/** Jest's own timeout. It is longer than all limits, because Jest needs it before this machine is calibrated. */
const BACKSTOP_MS = 4 * 60 * 60_000;

export class Session {
  readonly report = new Report();
  readonly #measured: Partial<XenResults> = {};
  readonly #cargo: () => Promise<readonly string[]>;
  readonly #clean: (lab: Lab) => Promise<void>;
  #made = new Map<string, Promise<unknown>>();
  #lab: Lab | undefined;
  #folder: string | undefined;
  #clock: Promise<EmulatedClock> | undefined;
  #deadline = Number.POSITIVE_INFINITY;
  #boots = 0;
  /** How many broken guests of this boot are already reported. */
  #broken = 0;

  /**
   * @param cargo makes the tar archives that are unpacked into dom0; its argument is a working directory
   * @param clean ends everything that {@link once} has created
   */
  constructor(cargo: (folder: string) => Promise<readonly string[]>, clean: (lab: Lab) => Promise<void>) {
    this.#clean = clean;
    let packed: Promise<readonly string[]> | undefined;
    this.#cargo = async () => {
      packed ??= cargo(await this.folder());
      return packed;
    };
  }

  /** Defines a Jest test that uses the lab. */
  test(name: string, body: (lab: Lab) => Promise<void>): void {
    it(name, () => this.#attempt(name, body), BACKSTOP_MS);
  }

  /** Makes Jest end the session after all tests. */
  endsAfterAll(): void {
    afterAll(() => this.#end(), BACKSTOP_MS);
  }

  /** Returns what `make` has created under that name in this boot. Calls it first if necessary. */
  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const made = this.#made.get(name) ?? make();
    this.#made.set(name, made);
    made.catch(() => this.#made.delete(name));
    return made as Promise<T>;
  }

  /** Removes a name, so that the next {@link once} creates the object again. */
  forget(name: string): void {
    this.#made.delete(name);
  }

  /** Adds results to the document of this run (`STUBFERRY_XEN_RESULTS`). */
  measured(results: Partial<XenResults>): void {
    Object.assign(this.#measured, results);
  }

  /** Returns the working directory of this run, for logs and archives. */
  async folder(): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'stubferry-xen-'));
    return this.#folder;
  }

  async #attempt(name: string, body: (lab: Lab) => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const lab = await this.#running().catch((error: unknown) => {
        this.report.step(name, Date.now(), 'FAILED');
        throw error;
      });
      const started = Date.now();
      try {
        await this.#inTime(body(lab));
        this.report.step(name, started, 'passed');
        return;
      } catch (error) {
        const crash = await lab.crash();
        const broken = crash === undefined ? await this.#newlyBroken(lab) : undefined;
        const isLost = crash === undefined ? broken !== undefined : this.#boots < BOOTS_AT_MOST;
        const again = isLost && attempt < ATTEMPTS_AT_MOST;
        this.report.step(name, started, again ? 'retried' : 'FAILED');
        const why =
          crash ?? broken ?? (error instanceof Error ? error.message.split('\n').slice(0, 3).join('\n') : `${error}`);
        this.report.remark(`${name}: ${why}\n  logs: ${await lab.keepLogs()}`);
        if (crash === undefined) await this.#clear(lab);
        else await this.#stop();
        if (!again) throw error;
      }
    }
  }

  async #inTime(body: Promise<void>): Promise<void> {
    const { slowness } = await this.#calibrated();
    const over = new AbortController();
    const late = delay(TEST_MS * slowness, undefined, { signal: over.signal }).then(() => {
      throw new Error(`the test did not end within ${TEST_MS / 1000} s of the emulated machine's clock`);
    });
    try {
      await Promise.race([body, late]);
    } finally {
      over.abort();
    }
  }

  /** Calibrates once, before anything of the lab runs. */
  #calibrated(): Promise<EmulatedClock> {
    this.#clock ??= this.folder().then(calibratedClock);
    return this.#clock;
  }

  async #newlyBroken(lab: Lab): Promise<string | undefined> {
    const broken = (await lab.brokenGuests()).slice(this.#broken);
    this.#broken += broken.length;
    return broken.length === 0 ? undefined : `the emulator has put Xen's own state into guest ${broken.join(', ')}`;
  }

  /** Removes what a failed test has left, because the next test cannot use it. */
  async #clear(lab: Lab): Promise<void> {
    this.#made = new Map();
    await this.#clean(lab);
  }

  async #running(): Promise<Lab> {
    if (Date.now() > this.#deadline)
      throw new Error(
        `all tests together have exceeded their limit of ${RUN_MS / 60_000} minutes of the emulated machine's clock`,
      );
    while (this.#lab === undefined) {
      if (this.#boots === BOOTS_AT_MOST) throw new Error(`Xen was booted ${BOOTS_AT_MOST} times and crashed each time`);
      let started = Date.now();
      const files = await artefacts();
      const cargo = await this.#cargo();
      if (this.#boots === 0) this.report.step("dom0's disk and the packed stubferry", started, 'passed');
      const clock = await this.#calibrated();
      if (this.#boots === 0) {
        this.#deadline = Date.now() + RUN_MS * clock.slowness;
        this.report.remark(
          `calibration: ${clock.calibrationMs} ms; a second of the emulated machine is ${clock.slowness} s`,
        );
      }
      this.#boots += 1;
      started = Date.now();
      try {
        this.#lab = await Lab.boot(join(await this.folder(), `boot-${this.#boots}`), files, cargo, clock);
        this.report.step(`boot ${this.#boots}`, started, 'passed');
      } catch (error) {
        if (!(error instanceof LabCrash)) throw error;
        this.report.step(`boot ${this.#boots}`, started, this.#boots < BOOTS_AT_MOST ? 'retried' : 'FAILED');
        this.report.remark(error.message);
      }
    }
    return this.#lab;
  }

  async #stop(): Promise<void> {
    await this.#lab?.stop();
    this.#lab = undefined;
    this.#broken = 0;
    this.#made = new Map();
  }

  async #store(lab: Lab, path: string): Promise<void> {
    const xen = (await lab.check("xl info | awk '/^xen_version/ { print $3 }'")).trim();
    const { slowness } = await this.#calibrated();
    const cpu = `${cpus().length} x ${cpus()[0]?.model}`;
    const about = { date: new Date().toISOString().slice(0, 10), xen, cpu, slowness };
    await writeFile(path, `${JSON.stringify({ ...about, ...this.#measured }, undefined, 1)}\n`);
  }

  async #end(): Promise<void> {
    const path = process.env['STUBFERRY_XEN_RESULTS'];
    if (path !== undefined && this.#lab !== undefined) await this.#store(this.#lab, path);
    await this.#stop();
    if (this.#boots > 1) this.report.remark(`Xen was booted ${this.#boots} times`);
    process.stderr.write(`${this.report}\n`);
    if (this.#folder !== undefined && !this.report.failed) await rm(this.#folder, { recursive: true });
  }
}
