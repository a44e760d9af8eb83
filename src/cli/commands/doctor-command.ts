/** `stubferry doctor` */
import { type Command, Option } from 'commander';
import { ERROR_CODES } from '../../base/errors/index.js';
import { VERSION } from '../../base/version.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { examineHost, type HostCheck } from '../../service/doctor/index.js';
import { runCommand } from '../command-context.js';
import { parseSize } from '../options/parse-values.js';
import { type HostOptions, hostOptions } from '../options/service-options.js';
import { printJson, printText, table } from '../render/print.js';

export function doctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .summary('look whether this host has what dom0 needs')
    .description(
      'Looks at this host as dom0: Xen, xenstore, devices, folders, the agent, the hook. Says in a line each what is there, what is ' +
        `not, and how to mend it. Changes nothing. Exit status ${ERROR_CODES.HOST_UNREADY.status} when something is missing.`,
    )
    .addOption(
      new Option('--ring <size>', 'ring of the transfer disks')
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
