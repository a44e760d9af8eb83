/**
 * How the tests run commands in dom0: frames over a virtio-serial port, many commands at once.
 *
 *     +------+----------+-------------+---------+
 *     | type | job      | length      | payload |
 *     | u8   | u32 LE   | u32 LE      |         |
 *     +------+----------+-------------+---------+
 *
 *     to dom0     RUN (the command)     KILL
 *     from dom0   STDOUT* STDERR*   ENDED (JSON: status or signal)
 *
 * A port rather than ssh: there is no network to set up and no port to share between labs, and a command costs
 * one round trip instead of a key exchange in emulated software. It is not for much data, 4 KiB an interrupt: files go over 9p.
 */

export const TYPES = ['run', 'kill', 'stdout', 'stderr', 'ended'] as const;
export type FrameType = (typeof TYPES)[number];

export interface Frame {
  readonly type: FrameType;
  readonly job: number;
  readonly payload: Buffer;
}

/** How a command ended: what ENDED says. */
export interface End {
  readonly status: number | null;
  readonly signal: string | null;
}

/** By this name dom0 finds the port. */
export const PORT_NAME = 'stubferry.lab';

/** Of a frame's payload; longer data goes in several. */
export const PAYLOAD_LIMIT = 1 << 16;

const HEADER = 9;

export function frame(type: FrameType, job: number, payload: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(TYPES.indexOf(type), 0);
  header.writeUInt32LE(job, 1);
  header.writeUInt32LE(bytes.length, 5);
  return Buffer.concat([header, bytes]);
}

/** Frames for any amount of data. */
export function* frames(type: FrameType, job: number, data: Buffer): Generator<Buffer> {
  for (let at = 0; at < data.length; at += PAYLOAD_LIMIT) yield frame(type, job, data.subarray(at, at + PAYLOAD_LIMIT));
}

/** Frames out of chunks that end anywhere. */
export class FrameSplitter {
  #rest = Buffer.alloc(0);

  /** @throws Error when the peer does not speak this */
  *split(chunk: Uint8Array): Generator<Frame> {
    let rest = Buffer.concat([this.#rest, chunk]);
    while (rest.length >= HEADER) {
      const type = TYPES[rest.readUInt8(0)];
      const length = rest.readUInt32LE(5);
      if (type === undefined || length > PAYLOAD_LIMIT)
        throw new Error('this is no frame: the two ends are out of step');
      if (rest.length < HEADER + length) break;
      yield { type, job: rest.readUInt32LE(1), payload: rest.subarray(HEADER, HEADER + length) };
      rest = rest.subarray(HEADER + length);
    }
    this.#rest = rest;
  }
}
