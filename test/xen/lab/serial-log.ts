/**
 * Searches the serial line of the emulated machine for crashes. It contains the messages of Xen and of dom0's kernel in
 * chronological order.
 */

export interface Crash {
  readonly who: 'the hypervisor' | "dom0's kernel";
  /** The line that reports the crash, and the lines around it. */
  readonly lines: readonly string[];
}

/** The messages that report a crash. Those of Xen are first, because a crash of Xen also ends dom0. */
const SIGNS: readonly (readonly [Crash['who'], RegExp])[] = [
  ['the hypervisor', /^\(XEN\).*(?:Panic on CPU|FATAL (?:PAGE FAULT|TRAP)|BUG at|Reboot in)/],
  ["dom0's kernel", /^\(XEN\).*(?:Domain 0|Dom0|domain 0) (?:crashed|shutdown|reported crash)/],
  ["dom0's kernel", /Kernel panic - not syncing|BUG: unable to handle|general protection fault|soft lockup/],
];

/**
 * A guest whose code segment and instruction pointer are in Xen's own code. QEMU's emulation of SVM has left the guest
 * with the state of its host. Neither a guest nor its device model can cause this. (It was seen once in about fifty
 * runs; the guest was the boot sector that only counts.)
 */
const IN_XENS_CODE =
  /RIP: +e008:\[<ffff82d[0-9a-f]{9}>\]\s+\(XEN\) RFLAGS: [0-9a-f]+ +CONTEXT: hvm guest \((d\d+)v\d+\)/g;

const LINES_BEFORE = 3;
const LINES_AFTER = 6;

/** Returns the crash of Xen or dom0 that a log contains; undefined if there is none. */
export function crashIn(log: string): Crash | undefined {
  const lines = log.split(/\r?\n/);
  for (const [who, sign] of SIGNS) {
    const at = lines.findIndex((line) => sign.test(line));
    if (at !== -1) return { who, lines: lines.slice(Math.max(0, at - LINES_BEFORE), at + 1 + LINES_AFTER) };
  }
  return undefined;
}

/** Returns the domains that the emulator has broken, in chronological order and in Xen's notation: `d12`. */
export function brokenGuests(log: string): string[] {
  return [...log.matchAll(IN_XENS_CODE)].map(([, domain = '']) => domain);
}
