/** The results of a run. They contain every sample, so that tables and plots can be made from the stored document. */

export interface Results {
  readonly machine: Machine;
  readonly flow: Flow;
  readonly sizes: readonly SizeResult[];
  readonly rings: readonly RingResult[];
  readonly latency: readonly LatencyResult[];
  readonly idle: readonly IdleResult[];
  /** Absent when QEMU is not installed. */
  readonly proxy?: ProxyResult | undefined;
  /** Absent when QEMU is not installed. */
  readonly migration?: MigrationResult | undefined;
}

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryMib: number;
  readonly kernel: string;
  readonly node: string;
  /** The version; empty when QEMU is not installed. */
  readonly qemu: string;
  readonly stubferry: string;
  /** In the form YYYY-MM-DD. */
  readonly date: string;
  /** The load average of the last minute before the run. */
  readonly loadBefore: number;
}

/** Programs that move the same bytes, and take turns in each round. */
export interface Flow {
  readonly mib: number;
  readonly contenders: readonly Contender[];
}

export interface Contender {
  readonly name: string;
  /** The time of each round. */
  readonly ms: readonly number[];
  /** The costs of stubferry's agents in each round. */
  readonly costs?: readonly SideCosts[];
}

export interface SideCosts {
  readonly sender: SideCost;
  readonly receiver: SideCost;
}

export interface SideCost {
  /** The processor time from ready to the end of the process. */
  readonly cpuMs: number;
  /** The peak of resident memory. */
  readonly peakKib: number;
}

export interface SizeResult {
  readonly bytes: number;
  /** The time of the agents in each round, with the chain. */
  readonly ms: readonly number[];
  /** The time of `dd | dd` in each round. */
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
  /** The times from the first byte offered to COMMITTED, in milliseconds. */
  readonly samples: readonly number[];
}

/** The cost of a pair of agents that wait for the first byte. */
export interface IdleResult {
  readonly name: string;
  readonly seconds: number;
  /** The processor time of each agent during that time. */
  readonly stubdomMs: number;
  readonly dom0Ms: number;
}

export interface ProxyResult {
  /** The length of the state. */
  readonly bytes: number;
  /** The times in milliseconds, in pairs. */
  readonly plainFile: readonly number[];
  readonly proxy: readonly number[];
}

/** The migration of a whole machine with its RAM. */
export interface MigrationResult {
  /** The length of the state in the statefile. */
  readonly mib: number;
  /** The times of each round in milliseconds: `exec` is QEMU's own `exec:`, `ours` the agents. */
  readonly exec: readonly number[];
  readonly ours: readonly number[];
}

/** The length of the state that is transferred with each ring. */
export const RING_STATE_MIB = 512;

/** The names of the compared programs. */
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
