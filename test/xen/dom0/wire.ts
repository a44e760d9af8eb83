/**
 * The protocol between the tests and the command server in dom0: frames over a virtio-serial port, for any number of
 * concurrent commands.
 *
 *     +------+----------+-------------+---------+
 *     | type | job      | length      | payload |
 *     | u8   | u32 LE   | u32 LE      |         |
 *     +------+----------+-------------+---------+
 *
 *     to dom0     RUN (the command)     KILL
 *     from dom0   STDOUT* STDERR*   ENDED (JSON: status or signal)
 *
 * The lab uses a virtio-serial port instead of ssh, because it needs neither a network nor a TCP port of the host for
 * each lab, and a command costs one round trip instead of a key exchange on an emulated processor. The port is not for
 * much data, because it needs an interrupt for each 4 KiB; files are transferred over 9p.
 */

export const TYPES = ['run', 'kill', 'stdout', 'stderr', 'ended'] as const;
export type FrameType = (typeof TYPES)[number];

export interface Frame {
  readonly type: FrameType;
  readonly job: number;
  readonly payload: Buffer;
}

/** How a command ended: the payload of ENDED. */
export interface End {
  readonly status: number | null;
  readonly signal: string | null;
}

/** The name by which dom0 finds the port. */
export const PORT_NAME = 'stubferry.lab';

/** The maximum length of a payload, in bytes. Longer data is sent in several frames. */
export const PAYLOAD_LIMIT = 1 << 16;

const HEADER = 9;

/** Encodes one frame. */
export function frame(type: FrameType, job: number, payload: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(TYPES.indexOf(type), 0);
  header.writeUInt32LE(job, 1);
  header.writeUInt32LE(bytes.length, 5);
  return Buffer.concat([header, bytes]);
}

/** Encodes any amount of data as frames. */
export function* frames(type: FrameType, job: number, data: Buffer): Generator<Buffer> {
  for (let at = 0; at < data.length; at += PAYLOAD_LIMIT) yield frame(type, job, data.subarray(at, at + PAYLOAD_LIMIT));
}

/** Decodes frames from chunks that may end anywhere. */
export class FrameSplitter {
  #rest = Buffer.alloc(0);

  /** Yields the frames that are complete with this chunk. @throws Error when the input is not a frame */
  *split(chunk: Uint8Array): Generator<Frame> {
    let rest = Buffer.concat([this.#rest, chunk]);
    while (rest.length >= HEADER) {
      const type = TYPES[rest.readUInt8(0)];
      const length = rest.readUInt32LE(5);
      if (type === undefined || length > PAYLOAD_LIMIT) throw new Error('not a frame: the two ends are out of step');
      if (rest.length < HEADER + length) break;
      yield { type, job: rest.readUInt32LE(1), payload: rest.subarray(HEADER, HEADER + length) };
      rest = rest.subarray(HEADER + length);
    }
    this.#rest = rest;
  }
}
