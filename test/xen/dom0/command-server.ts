/** dom0's end of `wire.ts`: runs each command with bash, in a process group of its own, as root. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, createWriteStream, openSync, readdirSync, readFileSync } from 'node:fs';
import { type End, type Frame, FrameSplitter, frame, frames, PORT_NAME } from './wire.js';

/** A daemon that a command has started may hold its pipes open for ever: so long nothing comes from them, and they are let go of. */
const PIPES_AFTER_EXIT_MS = 1000;

const PORTS = '/sys/class/virtio-ports';

const name = readdirSync(PORTS).find((port) => readFileSync(`${PORTS}/${port}/name`, 'utf8').trim() === PORT_NAME);
if (name === undefined) throw new Error(`there is no virtio-serial port ${PORT_NAME}`);
const fd = openSync(`/dev/${name}`, 'r+');
const input = createReadStream('', { fd, autoClose: false });
const output = createWriteStream('', { fd, autoClose: false });
const jobs = new Map<number, ChildProcess>();

function serve({ type, job, payload }: Frame): void {
  const child = jobs.get(job);
  if (type === 'run') start(job, `${payload}`);
  else if (type === 'kill' && child?.pid !== undefined) kill(child.pid);
}

function start(job: number, command: string): void {
  const child = spawn('/bin/bash', ['-c', command], {
    detached: true,
    cwd: '/root',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  jobs.set(job, child);
  for (const stream of ['stdout', 'stderr'] as const) {
    let chunks = 0;
    child[stream].on('data', (chunk: Buffer) => {
      chunks += 1;
      for (const part of frames(stream, job, chunk)) output.write(part);
    });
    // A machine that stood still for so long has its timers first, and then what came meanwhile (setImmediate is behind that).
    const whenQuiet = (before: number): void => {
      setTimeout(() => {
        setImmediate(() => (chunks === before ? child[stream].destroy() : whenQuiet(chunks)));
      }, PIPES_AFTER_EXIT_MS).unref();
    };
    child.once('exit', () => whenQuiet(chunks));
  }
  child.once('close', (status, signal) => {
    jobs.delete(job);
    const end: End = { status, signal };
    output.write(frame('ended', job, JSON.stringify(end)));
  });
}

function kill(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

const splitter = new FrameSplitter();
input.on('data', (chunk: string | Buffer) => {
  for (const one of splitter.split(Buffer.from(chunk))) serve(one);
});
// The tests' end is there before dom0 boots, and as long as dom0 does.
input.on('end', () => process.exit(1));
