/** The command `stubferry diff`. */
import { type Command, Option } from 'commander';
import { ERROR_CODES, StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { compareStates, type QevmState } from '../../formats/qevm/index.js';
import { nameOf, openState } from '../../states/open-state.js';
import { readSections } from '../../states/read-sections.js';
import { runCommand } from '../command-context.js';
import { comparisonJson, comparisonText } from '../render/difference-text.js';
import { printJson, printText } from '../render/print.js';

interface DiffOptions {
  readonly ignore?: 'clock';
}

/** Adds the command. */
export function diffCommand(program: Command): void {
  const command = program
    .command('diff')
    .summary('compare two states section by section')
    .description(
      'A and B are statefiles, bare QEMU states or save files, also compressed and in different formats. Lists the ' +
        'sections that were added, removed or changed; within a section it lists the fields where one of the states ' +
        'has a description, else the bytes. Section ids, footers and descriptions are not compared, because they ' +
        'make no difference to the QEMU that loads a state.\n\n' +
        `Exit status: 0 no differences, ${ERROR_CODES.STATES_DIFFER.status} the states differ, any other: they could ` +
        'not be compared.',
    )
    .argument('<a>', 'file, or - for standard input')
    .argument('<b>', 'file, or - for standard input')
    .addOption(
      new Option('--ignore <what>', 'clock: ignore fields that differ because time has passed').choices(['clock']),
    );
  command.action((a: string, b: string, { ignore }: DiffOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      if (a === '-' && b === '-')
        throw new StubferryError('USAGE', 'only one of the two states can be read from standard input');
      const [before, after] = [await untilAborted(signal, stateIn(a)), await untilAborted(signal, stateIn(b))];
      const comparison = compareStates(before, after, { ignoreClock: ignore === 'clock' });
      await (json
        ? printJson({ diff: { a, b, ...comparisonJson(comparison) } })
        : printText(comparisonText(comparison)));
      const { others, sections } = comparison;
      return others.length + sections.length === 0 ? 0 : ERROR_CODES.STATES_DIFFER.status;
    });
  });
}

/** @throws StubferryError: the input is not a complete QEMU state */
async function stateIn(path: string): Promise<QevmState> {
  const { source } = await openState(path);
  try {
    return (await readSections(source, nameOf(path))).state;
  } finally {
    await source.close();
  }
}
