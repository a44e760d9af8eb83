/**
 * Measures the current speed of emulation on this machine. As in the lab, two emulated processors run at the same time,
 * each with a loop of instructions that write to memory.
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

/** The time limit, in milliseconds. It is forty times the time on a quick and otherwise idle machine. */
const LIMIT_MS = 60_000;

/** The exit status of QEMU when the guest writes a zero to isa-debug-exit. */
const ENDED = 1;

/** Returns how long the slower processor took, in milliseconds. @param folder a working directory */
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
  if (status !== ENDED) throw new Error(`QEMU ended with ${status ?? signal} during the calibration`);
}
