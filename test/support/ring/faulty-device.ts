/** A disk in memory into which tests inject faults. */
import type { BlockDevice } from '../../../src/blockdev-utils/index.js';
import { memoryDevice } from './memory-device.js';

/** Decides about a request: undefined lets it pass; otherwise the returned promise replaces it. */
export type Fault = (bytes: Uint8Array, position: number, pass: () => Promise<void>) => Promise<void> | undefined;

export interface FaultyDevice extends BlockDevice {
  onRead: Fault;
  onWrite: Fault;
  /** The medium without faults. */
  readonly medium: BlockDevice;
  /** The value that {@link BlockDevice.stalledFor} returns, in milliseconds. */
  stalled: number;
  /** Number of requests so far. */
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
