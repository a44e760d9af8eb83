/** Loop devices over a file, as the transfer disk is one for a domain. */
import { execFileSync } from 'node:child_process';

export interface LoopOptions {
  readonly sectorSize?: number;
  readonly readOnly?: boolean;
}

/** Attaches one; returns its node. It does I/O on the file directly, past the page cache. */
export function attachLoop(file: string, { sectorSize = 512, readOnly = false }: LoopOptions = {}): string {
  const flags = ['--find', '--show', '--direct-io=on', `--sector-size=${sectorSize}`];
  if (readOnly) flags.push('--read-only');
  return execFileSync('losetup', [...flags, file], { encoding: 'utf8' }).trim();
}

export function detachLoop(node: string): void {
  execFileSync('losetup', ['--detach', node]);
}
