/** Attaches loop devices to a file, as for the transfer disk of a domain. */
import { execFileSync } from 'node:child_process';

export interface LoopOptions {
  readonly sectorSize?: number;
  readonly readOnly?: boolean;
}

/** Attaches a loop device with direct I/O and returns the path of its node. */
export function attachLoop(file: string, { sectorSize = 512, readOnly = false }: LoopOptions = {}): string {
  const flags = ['--find', '--show', '--direct-io=on', `--sector-size=${sectorSize}`];
  if (readOnly) flags.push('--read-only');
  return execFileSync('losetup', [...flags, file], { encoding: 'utf8' }).trim();
}

export function detachLoop(node: string): void {
  execFileSync('losetup', ['--detach', node]);
}
