/** Runs programs of the host to their end. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Buffer | string;
  readonly timeoutMs?: number;
}

/** The default timeout. It is far longer than any program takes on a busy machine, because a download may be slow. */
const TIMEOUT_MS = 300_000;

/**
 * Runs a program.
 * @returns its standard output
 * @throws Error with the last lines of its output when it fails or does not end in time
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const { cwd, env = {}, stdin = '', timeoutMs = TIMEOUT_MS } = options;
  const child = spawn(program, [...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that does not read its input to the end reports the reason itself.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const end = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? signal ?? -1));
  });
  if (end === 0) return Buffer.concat(stdout);
  const printed = `${Buffer.concat(stderr)}${Buffer.concat(stdout)}`.trim().split('\n').slice(-10).join('\n');
  throw new Error(`${program} ${args.join(' ').slice(0, 200)}: ended with ${end}: ${printed}`);
}

/** Runs a line of bash as {@link run} does. It fails when any command of a pipeline fails. */
export function bash(line: string, options: RunOptions & { readonly args?: readonly string[] } = {}): Promise<Buffer> {
  return run('bash', ['-euo', 'pipefail', '-c', line, 'bash', ...(options.args ?? [])], options);
}
