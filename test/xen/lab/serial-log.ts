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
