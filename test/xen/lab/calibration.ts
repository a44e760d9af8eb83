/**
 * How slow this machine emulates, at this moment: two emulated processors at once, as in the lab, each with a loop of
 * instructions that write to memory.
 *
 *     boot sector: for (ecx = LOOPS; ecx > 0; ecx -= 1) { es:[bx] = ax; bx += 64 }; out 0xf4 --> QEMU ends
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assembled } from '../../support/qemu/boot-sector.js';

const LISTING = `
  7c00  fa                 cli
  7c01  b8 00 10           mov  ax, 0x1000
  7c04  8e c0              mov  es, ax
  7c06  66 b9 00 00 00 30  mov  ecx, 0x30000000
next:
  7c0c  26 89 07           mov  es:[bx], ax
  7c0f  83 c3 40           add  bx, 64
  7c12  66 49              dec  ecx
  7c14  75 f6              jnz  next
  7c16  e6 f4              out  0xf4, al
stop:
  7c18  f4                 hlt
  7c19  eb fd              jmp  stop
`;

/** Forty times what it takes on a quick machine with nothing beside it. */
const LIMIT_MS = 60_000;

/** What isa-debug-exit makes of a zero. */
const ENDED = 1;

/** `folder` is for work. Resolves with the milliseconds that the slower one of the two took. */
export async function calibrationMs(folder: string): Promise<number> {
  const sector = join(folder, 'calibration');
  await writeFile(sector, assembled(LISTING));
  const started = performance.now();
  const elapsed = async (): Promise<number> => {
    await loop(sector);
    return performance.now() - started;
  };
  try {
    return Math.max(...(await Promise.all([elapsed(), elapsed()])));
  } finally {
    await rm(sector);
  }
}

async function loop(sector: string): Promise<void> {
  const machine = ['-nodefaults', '-no-user-config', '-display', 'none', '-accel', 'tcg', '-m', '16M'];
  const disk = ['-drive', `file=${sector},format=raw,snapshot=on`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=1'];
  const child = spawn('qemu-system-x86_64', [...machine, ...disk], { stdio: 'ignore', timeout: LIMIT_MS });
  const [status, signal] = await once(child, 'exit');
  if (status !== ENDED) throw new Error(`the emulator was to be calibrated, and ended with ${status ?? signal}`);
}
