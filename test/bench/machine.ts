/** Describes the machine of a run and its software. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Machine } from './results.js';

export function machine(): Machine {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryMib: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    qemu: isInstalled('qemu-system-x86_64') ? qemuVersion() : '',
    stubferry: version,
    date: new Date().toISOString().slice(0, 10),
    loadBefore: loadavg()[0] ?? 0,
  };
}

export function isInstalled(program: string): boolean {
  try {
    execFileSync('bash', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Tells whether loop devices can be created, which needs root and a kernel that supports them. */
export function hasLoops(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('losetup', ['--find'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function qemuVersion(): string {
  const text = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' });
  return /version (?<version>\S+)/.exec(text)?.groups?.['version'] ?? '';
}
