/** The command `stubferry inspect`. */
import type { Command } from 'commander';
import { printable, StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { type QevmSection, type QevmState, selectSection } from '../../formats/qevm/index.js';
import { openInput } from '../../states/open-input.js';
import { nameOf } from '../../states/open-state.js';
import { runCommand } from '../command-context.js';
import type { Facts } from '../render/inspect-facts.js';
import { facts as factsText, printError, printJson, printText } from '../render/print.js';
import { sectionTable, stateFacts } from '../render/section-table.js';
import { contentsJson, contentsOf, contentsText } from '../render/section-view.js';
import { type Inspection, inspectInput } from './inspect-input.js';

interface InspectOptions {
  readonly brief: boolean;
  readonly section?: string;
  readonly hex: boolean;
}

/** Adds the command. */
export function inspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .summary('describe a state, save file or transfer disk')
    .description(
      'FILE is a statefile, a bare QEMU state, an xl or libvirt save file or a libxl stream, each also compressed, ' +
        'or a transfer disk that is not in use. Lists the sections of the QEMU state. A section is shown by its ' +
        'fields where the state has a description (as `migrate` writes it), else by its bytes. For a truncated or ' +
        'corrupt FILE, prints what could be read and then the error.',
    )
    .argument('<file>', 'file, block device, or - for standard input')
    .option('--brief', 'do not read the state and list no sections', false)
    .option('--section <name>', 'show the contents of one section: NAME, NAME:INSTANCE or id')
    .option('--hex', 'show the bytes of the section instead of its fields', false);
  command.action((file: string, options: InspectOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      if (options.section === undefined ? options.hex : options.brief)
        throw new StubferryError('USAGE', '--hex needs --section, and --section cannot be used with --brief');
      const inspection = await untilAborted(signal, inspect(file, options.brief));
      const { state, flaw } = inspection;
      if (options.section === undefined) {
        await (json ? printInspectionJson(inspection) : printInspection(inspection));
      } else if (state === undefined) {
        throw flaw ?? new StubferryError('NOT_IN_INPUT', 'the input contains no QEMU state', { where: nameOf(file) });
      } else {
        const section = selectSection(state.sections, options.section, nameOf(file));
        await printSection(file, state, section, options.hex, json);
      }
      return flaw?.status ?? 0;
    });
  });
}

async function inspect(file: string, brief: boolean): Promise<Inspection> {
  const input = await openInput(file);
  try {
    return await inspectInput(file, input, brief);
  } finally {
    await (input.format === 'transfer-disk'
      ? input.device
      : input.format === 'container'
        ? input
        : input.source
    ).close();
  }
}

async function printInspection({ facts, state, flaw }: Inspection): Promise<void> {
  const all = [...facts, ...(state === undefined ? [] : stateFacts(state))];
  await printText(factsText(all.map(([name, value]) => [name, value === undefined ? undefined : `${value}`] as const)));
  if (state !== undefined && state.sections.length > 0) await printText(`\n${sectionTable(state.sections)}`);
  if (flaw !== undefined) await printError(flaw, false);
}

async function printInspectionJson({ facts, state, flaw }: Inspection): Promise<void> {
  const inspect = { ...objectOf(facts), ...(state === undefined ? {} : stateJson(state)) };
  await printJson(flaw === undefined ? { inspect } : { inspect, error: flaw.report() });
  if (flaw !== undefined) await printError(flaw, false);
}

function objectOf(facts: Facts): Record<string, string | number> {
  const shown = facts.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[camelCase(name), value]],
  );
  return Object.fromEntries(shown);
}

/** The JSON key of a fact: `target domid` becomes `targetDomid`. */
function camelCase(name: string): string {
  return name.replaceAll(/ (?<first>.)/g, (_, first: string) => first.toUpperCase());
}

function stateJson({ split, footers, ram, configuration, descriptionBytes, sections }: QevmState): object {
  return {
    split,
    footers,
    ...(configuration === undefined ? {} : { capabilities: configuration.capabilities.map((name) => printable(name)) }),
    ...(ram === undefined ? {} : { ram: { ...ram, blocks: ram.blocks.map(withPrintableName) } }),
    ...(descriptionBytes === 0 ? {} : { descriptionBytes }),
    sections: sections.map(withPrintableName),
  };
}

/** JSON does not escape all characters that control a terminal. */
function withPrintableName<T extends { readonly name: string }>(named: T): T {
  return { ...named, name: printable(named.name) };
}

async function printSection(
  file: string,
  state: QevmState,
  section: QevmSection,
  hex: boolean,
  json: boolean,
): Promise<void> {
  const contents = contentsOf(state, section, hex);
  if (contents === undefined) {
    throw new StubferryError('NOT_IN_INPUT', 'the contents of RAM cannot be shown', {
      where: nameOf(file),
      expected: 'a section of a device',
      found: printable(section.name),
    });
  }
  if (json) {
    await printJson({ inspect: { file, section: { ...withPrintableName(section), ...contentsJson(contents) } } });
    return;
  }
  const { id, name, instance, version, bodyOffset, bodyLength, inferred } = section;
  const head = factsText([
    ['section', printable(name)],
    ['id', `${id}`],
    ['instance', `${instance}`],
    ['version', `${version}`],
    ['body', `${bodyLength} bytes at ${bodyOffset}${inferred ? ' (end inferred)' : ''}`],
    ['xxh64', section.xxh64],
  ]);
  await printText(`${head}\n\n${contentsText(contents)}`);
}
