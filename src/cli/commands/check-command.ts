/** The command `stubferry check`. */
import type { Command } from 'commander';
import { ERROR_CODES } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { checkAgainst, type Destination } from '../../formats/qevm/index.js';
import { nameOf, openState } from '../../states/open-state.js';
import { readSections } from '../../states/read-sections.js';
import { runCommand } from '../command-context.js';
import { openDestinations } from '../options/destination.js';
import { type Checked, checksJson, checksText } from '../render/check-report.js';
import { printJson, printText } from '../render/print.js';

interface CheckOptions {
  readonly against: string;
  readonly machine: readonly string[];
}

/** Adds the command. */
export function checkCommand(program: Command): void {
  const { status } = ERROR_CODES.WOULD_NOT_LOAD;
  const command = program
    .command('check')
    .summary('check whether a QEMU will load a state')
    .description(
      'Checks a state against its destination while the guest still exists at the source. STATE is a statefile, a ' +
        'bare QEMU state or a save file, also compressed. A -dump-vmstate file lists the devices that a QEMU knows, ' +
        'with their versions. A QEMU program is started without a guest and also reports which devices a machine ' +
        'has, as does a state that the destination saved. What the destination does not reveal is reported as ' +
        'unknown.\n\n' +
        `Exit status: 0 compatible, ${status} QEMU refuses the state or devices lose their state.`,
    )
    .argument('<state>', 'file, or - for standard input')
    .argument('[qemu-args...]', 'after --: the other arguments of the destination, such as its devices')
    .requiredOption('--against <what>', 'QEMU program, -dump-vmstate file or state of the destination')
    .option('--machine <type>', 'machine type of the QEMU program; may be repeated', collect, []);
  command.action((file: string, args: string[], { against, machine: machines }: CheckOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      const destinations = await openDestinations(against, { machines, args, signal });
      const checks = await untilAborted(signal, checkFile(file, destinations));
      await (json ? printJson({ check: { file, ...checksJson(checks) } }) : printText(checksText(file, checks)));
      return checks.every(({ result }) => result.loads) ? 0 : status;
    });
  });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Checks the state in `file` against each destination. @throws StubferryError: the state cannot be read completely */
export async function checkFile(file: string, destinations: readonly Destination[]): Promise<readonly Checked[]> {
  const { source } = await openState(file);
  try {
    const { state } = await readSections(source, nameOf(file));
    return destinations.map((destination) => ({ destination, result: checkAgainst(state, destination) }));
  } finally {
    await source.close();
  }
}
