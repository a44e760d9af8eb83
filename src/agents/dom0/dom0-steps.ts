/** The steps of a transfer in dom0. The dom0 agent for one transfer and the service share them. */
import type { Superblock } from '../../formats/protocol/superblock.js';
import type { Provenance } from '../state-to-send.js';
import type { Prepare } from '../transfer-lifecycle.js';
import { type DiskOptions, Dom0Disk } from './dom0-disk.js';
import { type Dom0Work, prepareDom0Endpoint } from './dom0-endpoint.js';

/** A transfer in dom0. */
export interface Dom0Transfer {
  readonly work: Dom0Work;
  readonly provenance: Provenance;
  readonly superblock: Superblock;
  readonly disk: Omit<DiskOptions, 'superblock'>;
  /** Called when the disk is attached to the stubdom. */
  readonly onAttached: (disk: Dom0Disk) => void;
}

/** Returns the steps for a {@link TransferLifecycle}: open the endpoint, then make and attach the disk. */
export function dom0Steps({ work, provenance, superblock, disk, onAttached }: Dom0Transfer): Prepare {
  return async (resources, context) => {
    const { task, close } = await prepareDom0Endpoint(work, { ...superblock, provenance }, context);
    resources.add('the endpoint in dom0', close);
    return async (stack, { signal }) => {
      const attached = await Dom0Disk.make({ ...disk, superblock }, { ...context, signal });
      stack.add('the transfer disk', () => attached.remove());
      onAttached(attached);
      return { device: attached.device, superblock, task };
    };
  };
}
