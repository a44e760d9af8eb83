import { StubferryError } from '../../base/errors/index.js';
import type { AttachOptions } from './driver.js';

/** The domain that gets the disk. @throws StubferryError ATTACH_FAILED when none was given */
export function stubdomOf(options: AttachOptions | undefined, driver: string): number {
  if (options?.stubdom !== undefined) return options.stubdom;
  throw new StubferryError('ATTACH_FAILED', 'there is no stubdom to attach the transfer disk to', {
    expected: `a domid, for --attach ${driver}`,
    found: 'an agent on this machine',
    hint: "run dom0's agent without --disk, so that it serves stubdoms; or use --attach loop",
  });
}
