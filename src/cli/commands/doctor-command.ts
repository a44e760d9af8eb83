/** The command `stubferry doctor`. */
import { type Command, Option } from 'commander';
import { ERROR_CODES } from '../../base/errors/index.js';
import { VERSION } from '../../base/version.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { examineHost, type HostCheck } from '../../service/doctor/index.js';
import { runCommand } from '../command-context.js';
import { parseSize } from '../options/parse-values.js';
import { type HostOptions, hostOptions } from '../options/service-options.js';
import { printJson, printText, table } from '../render/print.js';

/** Adds the command. */
export function doctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .summary('check whether this host is ready as dom0')
    .description(
      'Checks this host as dom0: Xen, xenstore, devices, directories, the stubferry service, the hook. Prints one ' +
        'line for each with what was found and how to fix it. Changes nothing. ' +
        `Exit status ${ERROR_CODES.HOST_UNREADY.status} when something is missing.`,
    )
    .addOption(
      new Option('--ring <size>', 'size of the ring on the transfer disks')
        .argParser(parseSize)
        .default(LIMITS.ring.default, '32M'),
    );
  hostOptions(command).action((options: HostOptions & { readonly ring: number }) => {
    return runCommand(command, async ({ json, signal }) => {
      const { transferDir, stateDir, xenstore, control, ring: ringLength } = options;
      const findings = await examineHost(
        { transferDir, stateDir, xenstore, control, ringLength, version: VERSION },
        signal,
      );
      const isReady = findings.every(({ verdict }) => verdict !== 'missing');
      if (json) await printJson({ ready: isReady, findings });
      else await printText(report(findings, isReady));
      return isReady ? 0 : ERROR_CODES.HOST_UNREADY.status;
    });
  });
}

function report(findings: readonly HostCheck[], isReady: boolean): string {
  const rows = findings.map(({ what, verdict, found, fix }) => [verdict, what, found, fix ?? '']);
  const lacking = findings.filter(({ verdict }) => verdict === 'missing').map(({ what }) => what);
  const last = isReady ? 'this host is ready' : `this host is not ready as dom0: ${lacking.join(', ')}`;
  return `${table(['verdict', 'what', 'found', 'what to do'], rows)}\n\n${last}`;
}
