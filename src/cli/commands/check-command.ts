/** `stubferry check` */
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

export function checkCommand(program: Command): void {
  const { status } = ERROR_CODES.WOULD_NOT_LOAD;
  const command = program
    .command('check')
    .summary('say whether a state will load in a QEMU, before the guest is gone')
    .description(
      'STATE is a state in any form that other commands take. A dump says which versions of which devices a QEMU knows; a ' +
        'QEMU program is started, with no guest, and says besides which devices a machine has; a state that the destination ' +
        'wrote says that, too. What cannot be known from what is given is said to be unknown.\n\n' +
        `Exit status: 0 nothing speaks against it, ${status} it will not load, or devices would lose their state.`,
    )
    .argument('<state>', 'file, or - for standard input')
    .argument('[qemu-args...]', "behind --: the rest of the destination's command line, as its devices")
    .requiredOption('--against <what>', 'a QEMU program, what its -dump-vmstate wrote, or a state of the destination')
    .option('--machine <type>', 'machine type, for a QEMU program; may be given again', collect, []);
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

/** @throws StubferryError when it is no state, or not whole */
export async function checkFile(file: string, destinations: readonly Destination[]): Promise<readonly Checked[]> {
  const { source } = await openState(file);
  try {
    const { state } = await readSections(source, nameOf(file));
    return destinations.map((destination) => ({ destination, result: checkAgainst(state, destination) }));
  } finally {
    await source.close();
  }
}
