/** dom0's end of the protocol in `wire.ts`. It runs each command as root with bash, in a separate process group. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, createWriteStream, openSync, readdirSync, readFileSync } from 'node:fs';
import { type End, type Frame, FrameSplitter, frame, frames, PORT_NAME } from './wire.js';

/**
 * How long the output pipes of an ended command must be quiet before they are closed, in milliseconds. A daemon that
 * the command has started may keep them open for its whole life.
 */
const PIPES_AFTER_EXIT_MS = 1000;

const PORTS = '/sys/class/virtio-ports';

const name = readdirSync(PORTS).find((port) => readFileSync(`${PORTS}/${port}/name`, 'utf8').trim() === PORT_NAME);
if (name === undefined) throw new Error(`no such virtio-serial port: ${PORT_NAME}`);
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
    // After a pause of the whole machine, Node runs timers before it reads the data that has arrived meanwhile.
    // setImmediate runs after that read.
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
    // The process group has already ended.
  }
}

const splitter = new FrameSplitter();
input.on('data', (chunk: string | Buffer) => {
  for (const one of splitter.split(Buffer.from(chunk))) serve(one);
});
// The tests connect before dom0 boots, and stay connected as long as dom0 runs.
input.on('end', () => process.exit(1));
