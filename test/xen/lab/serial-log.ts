/** What the serial line of the emulated machine tells of: Xen's messages and those of dom0's kernel, in the order of events. */

export interface Crash {
  readonly who: 'the hypervisor' | "dom0's kernel";
  /** The line that says so, and what led to it. */
  readonly lines: readonly string[];
}

/** First those that say it of Xen: when Xen dies, dom0 has no say. */
const SIGNS: readonly (readonly [Crash['who'], RegExp])[] = [
  ['the hypervisor', /^\(XEN\).*(?:Panic on CPU|FATAL (?:PAGE FAULT|TRAP)|BUG at|Reboot in)/],
  ["dom0's kernel", /^\(XEN\).*(?:Domain 0|Dom0|domain 0) (?:crashed|shutdown|reported crash)/],
  ["dom0's kernel", /Kernel panic - not syncing|BUG: unable to handle|general protection fault|soft lockup/],
];

/**
 * A guest that stands in Xen's own code, by its code segment and address: QEMU's emulation of SVM has left the guest with the state of its host. No
 * guest can get there by itself, nor can its device model put it there. (Seen once in some fifty runs; the boot sector that it was only counts.)
 */
const IN_XENS_CODE =
  /RIP: +e008:\[<ffff82d[0-9a-f]{9}>\]\s+\(XEN\) RFLAGS: [0-9a-f]+ +CONTEXT: hvm guest \((d\d+)v\d+\)/g;

const LINES_BEFORE = 3;
const LINES_AFTER = 6;

/** Whether Xen or dom0 has crashed, and not just a test failed. */
export function crashIn(log: string): Crash | undefined {
  const lines = log.split(/\r?\n/);
  for (const [who, sign] of SIGNS) {
    const at = lines.findIndex((line) => sign.test(line));
    if (at !== -1) return { who, lines: lines.slice(Math.max(0, at - LINES_BEFORE), at + 1 + LINES_AFTER) };
  }
  return undefined;
}

/** The domains that the emulator has broken, in the order in which it did, as Xen calls them: d12. */
export function brokenGuests(log: string): string[] {
  return [...log.matchAll(IN_XENS_CODE)].map(([, domain = '']) => domain);
}
