/** A disk in memory that does what it is told to do wrong. */
import type { BlockDevice } from '../../../src/blockdev-utils/index.js';
import { memoryDevice } from './memory-device.js';

/** What becomes of a request: undefined lets it pass, else the replacement is awaited instead. */
export type Fault = (bytes: Uint8Array, position: number, pass: () => Promise<void>) => Promise<void> | undefined;

export interface FaultyDevice extends BlockDevice {
  onRead: Fault;
  onWrite: Fault;
  /** What is really on the medium, without a fault. */
  readonly medium: BlockDevice;
  /** Milliseconds that {@link BlockDevice.stalledFor} reports. */
  stalled: number;
  /** Requests so far. */
  requests: number;
}

export function faultyDevice(size: number): FaultyDevice {
  const medium = memoryDevice(size);
  const device: FaultyDevice = {
    ...medium,
    medium,
    stalled: 0,
    requests: 0,
    onRead: () => undefined,
    onWrite: () => undefined,
    read: (into, position) => {
      device.requests += 1;
      const pass = (): Promise<void> => medium.read(into, position);
      return device.onRead(into, position, pass) ?? pass();
    },
    write: (from, position) => {
      device.requests += 1;
      const pass = (): Promise<void> => medium.write(from, position);
      return device.onWrite(from, position, pass) ?? pass();
    },
    stalledFor: () => device.stalled,
  };
  return device;
}
