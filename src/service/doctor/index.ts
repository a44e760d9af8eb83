/** `stubferry doctor`: checks whether a host is ready as dom0. The checks change nothing. */
import type { HostCheck } from './finding.js';
import { blockBackend, dom0, loopDevices, losetup, nodeVersion, root, xen } from './host-checks.js';
import { agent, saveHelper, stateDirectory, transferDirectory, xenstore } from './service-checks.js';

export type { CheckStatus, HostCheck } from './finding.js';

/** The settings that the checks verify: the options of `stubferry agent dom0`. */
export interface HostSetting {
  /** The directory for transfer disks. */
  readonly transferDir: string;
  /** The toolstack's directory for device states. */
  readonly stateDir: string;
  /** The path of xenstored's socket or device; the default when undefined. */
  readonly xenstore: string | undefined;
  /** The path of the service's control socket. */
  readonly control: string;
  /** The length of a transfer disk's ring, in bytes. */
  readonly ringLength: number;
  /** The version of this program. The service must have the same version. */
  readonly version: string;
}

/** Runs all checks. A check that fails is a result, not an error. */
export async function examineHost(setting: HostSetting, signal: AbortSignal): Promise<HostCheck[]> {
  return Promise.all([
    nodeVersion(),
    root(),
    xen(),
    dom0(),
    xenstore(setting.xenstore, signal),
    blockBackend(),
    loopDevices(),
    losetup(),
    transferDirectory(setting.transferDir, setting.ringLength),
    stateDirectory(setting.stateDir),
    agent(setting.control, setting.version, signal),
    saveHelper(process.env),
  ]);
}
