/** Runs one save with two agents, from a file to a destination, and measures its cost. */
import { join } from 'node:path';
import { startAgent } from './processes.js';
import type { SideCosts } from './results.js';

export interface TransferOptions {
  /** The directory for the transfer disk, on tmpfs. */
  readonly folder: string;
  readonly source: string;
  /** The path of the destination. **Default:** `/dev/null`. */
  readonly destination?: string;
  /** With `loop`, the stubdom agent uses a block device and bypasses its page cache. This needs root. */
  readonly attach: 'file' | 'loop';
  readonly digest: 'chain' | 'sha256';
  /** A size in the syntax of the command line, such as `32M`. */
  readonly ring?: string;
}

/** `ms` is the sender's time from the first byte offered to COMMITTED, without the start of Node. */
export type TransferCost = SideCosts & { readonly ms: number };

let count = 0;

export async function transfer(options: TransferOptions): Promise<TransferCost> {
  const { folder, source, destination = '/dev/null', attach, digest, ring = '32M' } = options;
  count += 1;
  const disk = join(folder, `transfer.${count}.img`);
  const common = ['--opaque', '--digest', digest];
  const limits = ['--ring', ring, '--max-state', '64G', '--attach', attach, '--spool-dir', folder];
  const dom0 = startAgent('dom0', ['--disk', disk, ...limits, '--digest', digest, '--save', destination, '--raw']);
  const device = attach === 'loop' ? await dom0.attached : disk;
  const stubdom = startAgent('stubdom', ['--disk', device, ...common, '--source', source]);
  const [started, report] = await Promise.all([Promise.all([stubdom.ready, dom0.ready]), stubdom.report, dom0.report]);
  const [sender, receiver] = await Promise.all([stubdom.usage, dom0.usage]);
  return {
    ms: report.acknowledgedAt - report.firstByteAt,
    sender: { cpuMs: sender.cpuMs - started[0], peakKib: sender.peakKib },
    receiver: { cpuMs: receiver.cpuMs - started[1], peakKib: receiver.peakKib },
  };
}
