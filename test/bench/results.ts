/** What a run has measured: every sample, so that tables and plots can be made again from the stored document. */

export interface Results {
  readonly machine: Machine;
  readonly flow: Flow;
  readonly sizes: readonly SizeResult[];
  readonly rings: readonly RingResult[];
  readonly latency: readonly LatencyResult[];
  readonly idle: readonly IdleResult[];
  /** Absent where there is no QEMU. */
  readonly proxy?: GateResult | undefined;
  /** Absent where there is no QEMU. */
  readonly migration?: MigrationResult | undefined;
}

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryMib: number;
  readonly kernel: string;
  readonly node: string;
  /** Empty where there is none. */
  readonly qemu: string;
  readonly stubferry: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  /** Of the last minute, when the run began: what else the machine had to do. */
  readonly loadBefore: number;
}

/** Programs that move the same bytes, in turn, round by round. */
export interface Flow {
  readonly mib: number;
  readonly contenders: readonly Contender[];
}

export interface Contender {
  readonly name: string;
  /** Of each round. */
  readonly ms: readonly number[];
  /** Of stubferry's agents, of each round. */
  readonly costs?: readonly SideCosts[];
}

export interface SideCosts {
  readonly sender: SideCost;
  readonly receiver: SideCost;
}

export interface SideCost {
  /** Processor time from being ready to the end of the process. */
  readonly cpuMs: number;
  /** Greatest resident memory. */
  readonly peakKib: number;
}

export interface SizeResult {
  readonly bytes: number;
  /** Of each round: the agents, with the chain, and `dd | dd`. */
  readonly ms: readonly number[];
  readonly pipeMs: readonly number[];
  readonly costs: readonly SideCosts[];
}

export interface RingResult {
  readonly mib: number;
  readonly ms: readonly number[];
}

export interface LatencyResult {
  readonly name: string;
  readonly bytes: number;
  /** From the first byte offered to COMMITTED, milliseconds. */
  readonly samples: readonly number[];
}

/** A pair of agents that wait for the first byte. */
export interface IdleResult {
  readonly name: string;
  readonly seconds: number;
  /** Processor time that each took meanwhile. */
  readonly stubdomMs: number;
  readonly dom0Ms: number;
}

export interface GateResult {
  /** Of the state. */
  readonly bytes: number;
  /** Milliseconds, pair by pair. */
  readonly plainFile: readonly number[];
  readonly proxy: readonly number[];
}

/** A whole machine with its RAM. */
export interface MigrationResult {
  /** Of the statefile's state. */
  readonly mib: number;
  /** Milliseconds of each round: QEMU's own `exec:`, and the agents. */
  readonly exec: readonly number[];
  readonly ours: readonly number[];
}

/** State that goes through each of the rings. */
export const RING_STATE_MIB = 512;

/** Names by which tables find what they compare. */
export const NAMES = {
  pipe: 'dd bs=1M | dd bs=1M',
  cat: 'cat to a file on tmpfs',
  socat: 'socat over a unix socket',
  directWrite: 'dd oflag=direct to the loop device',
  directRead: 'dd iflag=direct from the loop device',
  chainLoop: 'stubferry --digest chain, loop device',
  shaLoop: 'stubferry, loop device',
  chainFile: 'stubferry --digest chain, shared file',
  shaFile: 'stubferry, shared file',
} as const;
