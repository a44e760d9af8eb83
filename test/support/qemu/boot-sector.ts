/**
 * A minimal guest that proves a restore: a boot sector that counts.
 *
 * It prints `n 00000001`, `n 00000002`, ... on COM1, one line for each timer tick (18 per second), and halts in
 * between. The count is in a register, the program is in RAM, and the ticks go from the PIT through the PIC to the CPU.
 * If the guest continues to count from the same number, all of these were restored; a guest that was rebooted starts at
 * 1.
 */

const LISTING = `
  7c00  fa            cli
  7c01  31 c0         xor   ax, ax
  7c03  8e d8         mov   ds, ax
  7c05  8e d0         mov   ss, ax
  7c07  bc 00 7c      mov   sp, 0x7c00
  7c0a  ba fb 03      mov   dx, 0x3fb         ; line control
  7c0d  b0 80         mov   al, 0x80          ; select the divisor
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
  7c28  e8 2a 00      call  put
  7c2b  b0 20         mov   al, ' '
  7c2d  e8 25 00      call  put
  7c30  b9 08 00      mov   cx, 8
digit:
  7c33  66 c1 c5 04   rol   ebp, 4            ; after eight rotations ebp has its value again
  7c37  89 e8         mov   ax, bp
  7c39  24 0f         and   al, 0x0f
  7c3b  04 30         add   al, '0'
  7c3d  3c 3a         cmp   al, '9' + 1
  7c3f  72 02         jb    print
  7c41  04 27         add   al, 'a' - '0' - 10
print:
  7c43  e8 0f 00      call  put
  7c46  e2 eb         loop  digit
  7c48  b0 0d         mov   al, 13
  7c4a  e8 08 00      call  put
  7c4d  b0 0a         mov   al, 10
  7c4f  e8 03 00      call  put
  7c52  f4            hlt                     ; until the next tick
  7c53  eb cf         jmp   next
put:
  7c55  50            push  ax
  7c56  ba fd 03      mov   dx, 0x3fd         ; line status
wait:
  7c59  ec            in    al, dx
  7c5a  a8 20         test  al, 0x20          ; room for a byte?
  7c5c  74 fb         jz    wait
  7c5e  58            pop   ax
  7c5f  ba f8 03      mov   dx, 0x3f8
  7c62  ee            out   dx, al
  7c63  c3            ret
`;

const SECTOR = 512;
const ORIGIN = 0x7c00;

const COUNT_LINE = /^n ([0-9a-f]{8})\r?\n/gm;

/** All numbers in the output of a guest, or in the joined output of two QEMUs that have run it one after the other. */
export function countsIn(printed: string): number[] {
  return [...printed.matchAll(COUNT_LINE)].map(([, digits]) => Number.parseInt(digits ?? '', 16));
}

/** A bootable raw disk of one sector. */
export function bootSector(): Buffer {
  return assembled(LISTING);
}

/**
 * Returns the sector of a listing like {@link LISTING}: each line with code has an address and its bytes, in
 * hexadecimal.
 */
export function assembled(listing: string): Buffer {
  const sector = Buffer.alloc(SECTOR);
  for (const [, address, bytes] of listing.matchAll(/^ {2}([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )+) /gm)) {
    Buffer.from((bytes ?? '').replaceAll(' ', ''), 'hex').copy(sector, Number.parseInt(address ?? '', 16) - ORIGIN);
  }
  sector.writeUInt16LE(0xaa55, SECTOR - 2);
  return sector;
}
