/** The plan of a run, which the seed determines before the start: the transfer, and the faults. */

import type { Timeouts } from '../../../src/transfer/ring/index.js';
import type { DiskFault, Weather } from '../machine/disk-requests.js';
import type { EndpointFault } from '../machine/endpoint-faults.js';
import type { FaultClass } from '../world/faults.js';
import type { Random } from '../world/random.js';
import { LEAST_STATE } from './content.js';

/**
 * - `save`: the stubferry service saves the bare state to the path that libxl reads
 * - `restore`: the opposite direction
 * - `save by hand`: a dom0 agent without the service saves a statefile, which must not exist before
 * - `hostile sender`, `hostile receiver`: the stubferry service with a hostile process in the stubdom
 */
export type Kind = 'save' | 'restore' | 'save by hand' | 'hostile sender' | 'hostile receiver';

/** Kills a process some steps after an event. */
export interface Kill {
  readonly side: 'dom0' | 'stubdom';
  /** The start of the name of the system call from which steps are counted; undefined: from the start. */
  readonly from: string | undefined;
  readonly steps: number;
  /** Milliseconds until the restart; undefined: it is not restarted during the run. */
  readonly restartMs: number | undefined;
}

export interface Stop {
  readonly side: 'dom0' | 'stubdom';
  readonly atMs: number;
  readonly forMs: number;
}

export interface Plan {
  readonly kind: Kind;
  readonly stateBytes: number;
  readonly ringLength: number;
  readonly maxPayload: number;
  /** The file system of the transfer disk. dom0 reads and writes synchronously on tmpfs. */
  readonly medium: 'tmpfs' | 'ext4';
  readonly access: 'buffered' | 'direct';
  readonly sha256: boolean;
  /** Whether the destination has a state of an earlier save. */
  readonly earlier: boolean;
  readonly stubdomStartsMs: number;
  /** The additional time of each read of the state, in milliseconds. */
  readonly readMs: number;
  readonly weather: Weather;
  readonly slowness: { readonly dom0: number; readonly stubdom: number };
  readonly disk: { readonly dom0: DiskFault[]; readonly stubdom: DiskFault[] };
  readonly ends: { readonly dom0: EndpointFault[]; readonly stubdom: EndpointFault[] };
  readonly kills: readonly Kill[];
  readonly stops: readonly Stop[];
  /** The time of a power loss; undefined for none. */
  readonly powerLossMs: number | undefined;
  readonly unplugMs: number | undefined;
  /** The time limit of the whole transfer, in milliseconds. */
  readonly lifetimeMs: number;
}

export const isHostile = ({ kind }: Plan): boolean => kind === 'hostile sender' || kind === 'hostile receiver';

/** Whether dom0 sends. */
export const isRestore = ({ kind }: Plan): boolean => kind === 'restore' || kind === 'hostile receiver';

/** Faults that the product must handle without an effect on the transfer. */
const HARMLESS: readonly FaultClass[] = ['duplicated completion', 'partial read or write'];

/**
 * Whether the disk and the peers work correctly as long as they live. Requests may still be torn, reordered and
 * slightly slow.
 */
export function hasHonestDisk(plan: Plan): boolean {
  const { disk, stops, powerLossMs, unplugMs, slowness, weather } = plan;
  if (isHostile(plan) || stops.length > 0 || powerLossMs !== undefined || unplugMs !== undefined) return false;
  if (![...disk.dom0, ...disk.stubdom].every(({ fault }) => HARMLESS.includes(fault))) return false;
  return Math.max(slowness.dom0, slowness.stubdom) * weather.slowest < 10;
}

/** Whether the plan contains nothing that may make the transfer fail. */
export function isHarmless(plan: Plan): boolean {
  const { ends, kills } = plan;
  return hasHonestDisk(plan) && kills.length + ends.dom0.length + ends.stubdom.length === 0;
}

/** The maximum size of a state from a hostile stubdom, in bytes. */
export const MOST_HOSTILE_STATE = 64 * 1024;

/** The time limits of a transfer in the service, in milliseconds. */
const LIFETIME = { hostile: 3_000, other: 60_000 } as const;

/** The product's own timeouts, but shorter. They are in virtual time, but each poll costs real time. */
export const TIMEOUTS: Timeouts = {
  heartbeatMs: 50,
  deadMs: 400,
  absentMs: 1_000,
  progressMs: 800,
  commitMs: 1_500,
  deviceMs: 600,
  settleMs: 100,
};

const DISK_FAULTS: readonly FaultClass[] = [
  'lost completion',
  'duplicated completion',
  'replayed write',
  'lost write',
  'half a write lost',
  'stale read',
  'misdirected write',
  'bit flipped on the disk',
  'bit flipped in a read',
  'I/O error of a read',
  'I/O error of a write',
  'I/O error of a write that was done',
  'partial read or write',
  'disk stalls',
];

/** System calls near which a kill is most interesting. */
const DOM0_MOMENTS = ['fsync', 'rename', 'link', 'write /run', 'open /run', 'rm '] as const;
const STUBDOM_MOMENTS = ['read /s/', 'read /s/', 'fsync /s', 'rename /s', 'link /s'] as const;

export function drawPlan(random: Random): Plan {
  const kind = random.pick<Kind>([
    ...(['save', 'save', 'save', 'restore', 'restore', 'save by hand', 'save by hand'] as const),
    ...(['hostile sender', 'hostile sender', 'hostile receiver'] as const),
  ]);
  const maxPayload = random.pick([4096, 8192, 16384, 65536]);
  const ringLength = Math.max(64 * 1024, 2 * (4096 + maxPayload)) * random.pick([1, 1, 2]);
  const plain = random.chance(0.1);
  const large = random.chance(0.15);
  const stateBytes = Math.floor(random.scaled(large ? ringLength : LEAST_STATE, (large ? 6 : 1.5) * ringLength));
  const twice = <T>(draw: () => T): { dom0: T; stubdom: T } => ({ dom0: draw(), stubdom: draw() });
  const some = (chance: number): boolean => !plain && random.chance(chance);
  const kills = some(0.45) ? drawKills(random) : [];
  const medium = random.pick(['tmpfs', 'ext4'] as const);
  const plan: Plan = {
    kind,
    stateBytes: kind === 'hostile sender' ? Math.min(stateBytes, MOST_HOSTILE_STATE) : stateBytes,
    ringLength,
    maxPayload,
    medium,
    access: medium === 'tmpfs' ? 'buffered' : random.pick(['buffered', 'direct']),
    sha256: random.chance(0.7),
    earlier: kind === 'save' && random.chance(0.2),
    stubdomStartsMs: random.scaled(0.1, 30),
    readMs: some(0.4) ? Math.min(random.scaled(1, 60), 500 / (stateBytes / maxPayload)) : 0,
    weather: { torn: some(0.6) ? random.unit() * 0.5 : 0, slowest: random.scaled(0.1, some(0.2) ? 8 : 1) },
    slowness: twice(() => (some(0.15) ? random.scaled(2, 20) : 1)),
    disk: twice(() => [
      ...(some(0.35) ? drawDiskFaults(random) : []),
      ...(kills.length > 0 && some(0.3) ? [drawRecoveryFault(random)] : []),
    ]),
    ends: { dom0: some(0.2) ? [drawDom0Fault(random)] : [], stubdom: some(0.1) ? [drawSourceFault(random)] : [] },
    kills,
    stops: some(0.15) ? [drawStop(random)] : [],
    powerLossMs: some(0.08) ? random.scaled(1, 100) : undefined,
    unplugMs: some(0.03) ? random.scaled(1, 100) : undefined,
    lifetimeMs: kind === 'hostile sender' ? LIFETIME.hostile : LIFETIME.other,
  };
  // A receiver can also exceed timeouts other than that of the whole transfer.
  if (kind === 'hostile receiver') return { ...plan, lifetimeMs: random.pick([LIFETIME.hostile, LIFETIME.other]) };
  const isSave = kind === 'save' || kind === 'save by hand';
  return isSave && !large && !plain && random.chance(0.1) ? { ...plan, ...drawSuccession(random) } : plan;
}

/**
 * Draws a sender that dies when it has sent everything, and another that replaces it before dom0 has made the state of
 * the first one durable.
 */
function drawSuccession(random: Random): Pick<Plan, 'ends' | 'kills' | 'disk' | 'stops'> {
  const stall = random.scaled(20, 1_000);
  const atFsync = { calls: ['fsync'], path: '/var', errno: undefined, skip: 0, left: 1 };
  return {
    ends: { dom0: [{ ...atFsync, fault: 'destination stalls', stall }], stubdom: [] },
    kills: [{ side: 'stubdom', from: 'read /s/', steps: random.below(30), restartMs: random.scaled(0.5, 10) }],
    ...{ disk: { dom0: [], stubdom: [] }, stops: [] },
  };
}

function drawDiskFaults(random: Random): DiskFault[] {
  return Array.from({ length: 1 + random.below(2) }, () => ({
    fault: random.pick(DISK_FAULTS),
    left: random.pick([1, 1, 1, 3, 20]),
    chance: random.pick([1, 0.3, 0.05]),
    skip: random.below(random.pick([5, 30, 100])),
    afterRestart: false,
  }));
}

/** Draws a fault for an agent that recovers. It affects its first requests, or all. */
function drawRecoveryFault(random: Random): DiskFault {
  const fault = random.pick<FaultClass>([
    'I/O error of a read',
    'stale read',
    'lost completion',
    'I/O error of a write',
  ]);
  return { fault, left: random.pick([1, 1000]), chance: 1, skip: random.below(3), afterRestart: true };
}

function drawDom0Fault(random: Random): EndpointFault {
  const fault = random.pick<FaultClass>([
    'destination full',
    'I/O error of the destination',
    'destination stalls',
    'journal cannot be written',
  ]);
  const at = { fault, left: random.pick([1, 1, 100]), stall: 0, path: '/var' };
  switch (fault) {
    case 'destination full':
      return { ...at, calls: ['write', 'open'], errno: 'ENOSPC', skip: random.below(10) };
    case 'destination stalls':
      return {
        ...at,
        calls: [random.pick(['write', 'write', 'fsync', 'rename', 'link'])],
        errno: undefined,
        skip: random.below(random.pick([1, 6])),
        stall: drawStall(random),
        left: 1,
      };
    case 'journal cannot be written':
      return { ...at, calls: ['write'], path: '/run', errno: 'ENOSPC', skip: random.below(5) };
    default:
      return {
        ...at,
        calls: ['write', 'fsync', 'rename', 'link', 'unlink', 'read'],
        errno: 'EIO',
        skip: random.below(8),
      };
  }
}

/** Draws a time in milliseconds, which is often infinite. */
function drawStall(random: Random): number {
  return random.chance(0.4) ? Number.POSITIVE_INFINITY : random.scaled(20, 3_000);
}

function drawSourceFault(random: Random): EndpointFault {
  const at = { calls: ['read', 'write', 'fsync'], path: '/s', left: 1, skip: random.below(6) };
  if (random.chance(0.5)) return { ...at, fault: 'source stalls', errno: undefined, stall: drawStall(random) };
  return { ...at, fault: 'I/O error of the source', errno: 'EIO', stall: 0 };
}

function drawKills(random: Random): Kill[] {
  const kill = (): Kill => {
    const side = random.pick(['dom0', 'dom0', 'dom0', 'stubdom', 'stubdom'] as const);
    const restartMs = random.chance(0.8) ? random.scaled(0.5, 300) : undefined;
    // Near the time at which the state gets its name and the sender is notified.
    if (side === 'dom0' && random.chance(0.4))
      return { side, from: random.pick(['rename', 'link', 'fsync /var']), steps: random.below(12), restartMs };
    if (side === 'dom0' && random.chance(0.5))
      return { side, from: random.pick(DOM0_MOMENTS), steps: random.below(random.pick([6, 30])), restartMs };
    // Near the time at which the whole state is sent, or at which it is received.
    if (side === 'stubdom' && random.chance(0.5))
      return { side, from: random.pick(STUBDOM_MOMENTS), steps: random.below(30), restartMs };
    return { side, from: undefined, steps: random.below(random.pick([30, 120, 300])), restartMs };
  };
  const kills = Array.from({ length: random.pick([1, 1, 2]) }, kill);
  // One more kill during the recovery.
  if (kills.length === 1 && kills[0]?.side === 'dom0' && random.chance(0.4))
    kills.push({ side: 'dom0', from: undefined, steps: random.below(60), restartMs: random.scaled(0.5, 300) });
  return kills;
}

function drawStop(random: Random): Stop {
  return { side: random.pick(['dom0', 'stubdom']), atMs: random.scaled(0.5, 60), forMs: random.scaled(5, 3_000) };
}
