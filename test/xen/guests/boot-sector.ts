/**
 * A variant of the counting boot sector (test/support/qemu/boot-sector.ts) that needs less processor time, for a guest
 * of Xen under emulation.
 *
 * It prints to port 0xe9, which Xen itself handles and copies to its console. With each line it also writes a byte to
 * COM1, which the device model handles: a guest whose QEMU does not respond stops counting. It counts on every fourth
 * tick, 4.5 times a second, because a byte on COM1 involves three domains when QEMU runs in a stubdom.
 */
import { assembled } from '../../support/qemu/boot-sector.js';

const LISTING = `
  7c00  fa            cli
  7c01  31 c0         xor   ax, ax
  7c03  8e d8         mov   ds, ax
  7c05  8e d0         mov   ss, ax
  7c07  bc 00 7c      mov   sp, 0x7c00
  7c0a  ba fb 03      mov   dx, 0x3fb         ; line control
  7c0d  b0 80         mov   al, 0x80          ; the divisor is next
  7c0f  ee            out   dx, al
  7c10  ba f8 03      mov   dx, 0x3f8         ; divisor, low
  7c13  b0 01         mov   al, 1             ; 115200 baud
  7c15  ee            out   dx, al
  7c16  42            inc   dx                ; divisor, high
  7c17  30 c0         xor   al, al
  7c19  ee            out   dx, al
  7c1a  ba fb 03      mov   dx, 0x3fb
  7c1d  b0 03         mov   al, 3             ; 8n1
  7c1f  ee            out   dx, al
  7c20  66 31 ed      xor   ebp, ebp          ; the count
  7c23  fb            sti
next:
  7c24  66 45         inc   ebp
  7c26  b0 6e         mov   al, 'n'
  7c28  e8 2f 00      call  put
  7c2b  b0 20         mov   al, ' '
  7c2d  e8 2a 00      call  put
  7c30  b9 08 00      mov   cx, 8
digit:
  7c33  66 c1 c5 04   rol   ebp, 4            ; eight times four bits: ebp is itself again
  7c37  89 e8         mov   ax, bp
  7c39  24 0f         and   al, 0x0f
  7c3b  04 30         add   al, '0'
  7c3d  3c 3a         cmp   al, '9' + 1
  7c3f  72 02         jb    print
  7c41  04 27         add   al, 'a' - '0' - 10
print:
  7c43  e8 14 00      call  put
  7c46  e2 eb         loop  digit
  7c48  b0 0d         mov   al, 13
  7c4a  e8 0d 00      call  put
  7c4d  b0 0a         mov   al, 10
  7c4f  e8 08 00      call  put
  7c52  b9 04 00      mov   cx, 4
tick:
  7c55  f4            hlt
  7c56  e2 fd         loop  tick
  7c58  eb ca         jmp   next
put:
  7c5a  e6 e9         out   0xe9, al          ; Xen's console
  7c5c  3c 0a         cmp   al, 10
  7c5e  75 0e         jne   done
  7c60  50            push  ax
  7c61  ba fd 03      mov   dx, 0x3fd         ; line status
wait:
  7c64  ec            in    al, dx
  7c65  a8 20         test  al, 0x20          ; room for a byte?
  7c67  74 fb         jz    wait
  7c69  58            pop   ax
  7c6a  ba f8 03      mov   dx, 0x3f8
  7c6d  ee            out   dx, al
done:
  7c6e  c3            ret
`;

/** Returns a bootable raw disk of one sector. */
export function countingSector(): Buffer {
  return assembled(LISTING);
}
