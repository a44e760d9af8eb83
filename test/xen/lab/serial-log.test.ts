import { describe, expect, it } from '@jest/globals';
import { brokenGuests, crashIn } from './serial-log.js';

const STEADY = `(XEN) Xen version 4.17.7 (Debian 4.17.7)
(XEN) [VT-D] nothing
(XEN) Dom0 has maximum 1 VCPUs
[    0.000000] Linux version 6.1.0-56-amd64
LAB[10.62] up
(d1) n 00000001
`;

const HYPERVISOR = `(XEN) ----[ Xen-4.17.7  x86_64  debug=n  Not tainted ]----
(XEN) Xen call trace:
(XEN)    [<ffff82d0402a9e5c>] R svm_vmexit_handler+0x12c/0x1a50
(XEN)
(XEN) ****************************************
(XEN) Panic on CPU 1:
(XEN) FATAL PAGE FAULT
(XEN) [error_code=0000]
(XEN) Reboot in five seconds...
`;

/** A real log of 2026-11-29. */
const BROKEN_GUEST = `(d12) n 000005e5\r
(XEN) MMIO emulation failed (1): d12v0 Real @ e008:ffff82d0402044a5 -> \r
(XEN) d12v0 Triple fault - invoking HVM shutdown action 1\r
(XEN) *** Dumping Dom12 vcpu#0 state: ***\r
(XEN) ----[ Xen-4.17.7  x86_64  debug=n  Not tainted ]----\r
(XEN) CPU:    0\r
(XEN) RIP:    e008:[<ffff82d0402044a5>]\r
(XEN) RFLAGS: 0000000000000246   CONTEXT: hvm guest (d12v0)\r
`;

/** A guest that has jumped to an invalid address by its own fault. */
const LOST_GUEST = `(XEN) d3v0 Triple fault - invoking HVM shutdown action 1
(XEN) RIP:    0000:[<0000000000007d0e>]
(XEN) RFLAGS: 0000000000000246   CONTEXT: hvm guest (d3v0)
`;

const DOM0 = `[   12.345678] BUG: unable to handle page fault for address: ffffc90000001000
[   12.345679] Kernel panic - not syncing: Fatal exception
(XEN) Hardware Dom0 crashed: 'noreboot' set - not rebooting.
`;

describe('the serial line', () => {
  it('reports no crash when there was none', () => {
    expect(crashIn(STEADY)).toBeUndefined();
  });

  it('reports a crash of the hypervisor with the lines around it', () => {
    const crash = crashIn(STEADY + HYPERVISOR);
    expect(crash?.who).toBe('the hypervisor');
    expect(crash?.lines).toContain('(XEN) FATAL PAGE FAULT');
  });

  it("reports a crash of dom0's kernel", () => {
    const crash = crashIn(STEADY + DOM0);
    expect(crash?.who).toBe("dom0's kernel");
    expect(crash?.lines.join('\n')).toContain('Fatal exception');
  });

  it('reports a crash of the hypervisor before that of dom0, which is its consequence', () => {
    expect(crashIn(DOM0 + HYPERVISOR)?.who).toBe('the hypervisor');
  });

  it('reports a guest whose state the emulator has replaced with that of Xen', () => {
    expect(brokenGuests(STEADY + BROKEN_GUEST)).toEqual(['d12']);
    expect(crashIn(STEADY + BROKEN_GUEST)).toBeUndefined();
  });

  it('does not report a guest that crashed for another reason', () => {
    expect(brokenGuests(STEADY + LOST_GUEST + HYPERVISOR)).toEqual([]);
  });
});
