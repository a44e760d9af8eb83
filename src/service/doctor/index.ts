/** Looks at a host, and says in one line each what is there, what is not, and what to do about it. Changes nothing. */
import type { HostCheck } from './finding.js';
import { blockBackend, dom0, loopDevices, losetup, nodeVersion, root, xen } from './host-checks.js';
import { agent, saveHelper, stateFolder, transferFolder, xenstore } from './service-checks.js';

export type { CheckStatus, HostCheck } from './finding.js';

export interface HostSetting {
  readonly transferDir: string;
  readonly stateDir: string;
  /** undefined for the usual place. */
  readonly xenstore: string | undefined;
  readonly control: string;
  readonly ringLength: number;
  /** Of this program: the agent should have the same. */
  readonly version: string;
}

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
    transferFolder(setting.transferDir, setting.ringLength),
    stateFolder(setting.stateDir),
    agent(setting.control, setting.version, signal),
    saveHelper(process.env),
  ]);
}
