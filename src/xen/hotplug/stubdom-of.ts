import { StubferryError } from '../../base/errors/index.js';
import type { AttachOptions } from './driver.js';

/**
 * Returns the domain id of the stubdom.
 * @throws StubferryError ATTACH_FAILED: when none was given
 */
export function stubdomOf(options: AttachOptions | undefined, driver: string): number {
  if (options?.stubdom !== undefined) return options.stubdom;
  throw new StubferryError('ATTACH_FAILED', 'no stubdom to attach the transfer disk to', {
    expected: `a domid, for --attach ${driver}`,
    found: 'an agent on this machine',
    hint: 'run the dom0 agent without --disk, so that it serves stubdoms; or use --attach loop',
  });
}
