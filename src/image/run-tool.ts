/** Runs programs of the host that the build of an image needs. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errnoOf, messageOf, printable, StubferryError } from '../base/errors/index.js';

/** The Debian package of each program, for the hint of an error. */
const PACKAGES: Readonly<Record<string, string>> = {
  mksquashfs: 'squashfs-tools',
  strip: 'binutils',
  xz: 'xz-utils',
  zstd: 'zstd',
  lz4: 'lz4',
  'dpkg-deb': 'dpkg',
  'dpkg-query': 'dpkg',
  'apt-get': 'apt',
  'apt-cache': 'apt',
};

/** The longest output that is accepted, in bytes. Listings of packages are the longest. */
const MOST_OUTPUT = 64 * 2 ** 20;

/** The environment of every program. With this locale the messages are the same on every machine. */
const ENVIRONMENT = { ...process.env, LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: undefined };

/**
 * Runs a program to its end.
 *
 * @returns its standard output
 * @throws StubferryError TOOL_MISSING: when it is not installed
 * @throws StubferryError TOOL_FAILED: when its exit status is not 0
 * @throws the signal's reason
 */
export async function runTool(tool: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    const options = { maxBuffer: MOST_OUTPUT, env: ENVIRONMENT, signal };
    return (await promisify(execFile)(tool, [...args], options)).stdout;
  } catch (cause) {
    throw toolError(tool, args, cause, signal);
  }
}

/** Runs a program with a new file as its standard output. It throws the same errors as {@link runTool}. */
export async function runToolInto(
  destination: string,
  tool: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const file = await open(destination, 'wx', 0o600);
  try {
    const child = spawn(tool, args, { stdio: ['ignore', file.fd, 'pipe'], env: ENVIRONMENT, signal });
    await ended(child, tool, args, signal);
  } finally {
    await file.close();
  }
}

async function ended(child: ChildProcess, tool: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4096);
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => reject(toolError(tool, args, cause, signal)));
    child.on('close', (code, killed) => {
      if (code === 0) resolve();
      else reject(toolError(tool, args, Object.assign(new Error(`ended with ${code ?? killed}`), { stderr }), signal));
    });
  });
}

function toolError(tool: string, args: readonly string[], cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const name = tool.split('/').at(-1) ?? tool;
  if (errnoOf(cause) === 'ENOENT') {
    const from = PACKAGES[name];
    return new StubferryError('TOOL_MISSING', 'a program that the build needs is not installed', {
      where: tool,
      hint: from === undefined ? undefined : `apt-get install ${from}`,
      cause,
    });
  }
  const stderr = typeof cause === 'object' && cause !== null && 'stderr' in cause ? `${cause.stderr}` : '';
  const lines = (stderr.trim() === '' ? messageOf(cause) : stderr.trim()).split('\n').slice(-4);
  return new StubferryError('TOOL_FAILED', `${name} failed`, {
    where: printable([name, ...args].join(' '), 200),
    found: printable(lines.join('; '), 500),
    cause,
  });
}
