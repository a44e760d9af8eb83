/** `stubferry inspect` */
import type { Command } from 'commander';
import { printable, StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { type QevmSection, type QevmState, selectSection } from '../../formats/qevm/index.js';
import { openGiven } from '../../states/open-input.js';
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

export function inspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .summary('say what a state or transfer disk is, who wrote it, and what is in it')
    .description(
      'FILE is a statefile, a bare QEMU state, a save file of xl or libvirt or a libxl stream, each also compressed, or a ' +
        'transfer disk that nobody is working on. The sections of the QEMU state are listed; of a state with a description ' +
        '(as `migrate` writes it) each can be shown by its fields, of any other by its bytes. What is wrong with FILE is ' +
        'said after what could be read of it.',
    )
    .argument('<file>', 'file, block device, or - for standard input')
    .option('--brief', 'do not read the state: no sections', false)
    .option('--section <name>', 'show what is in one: NAME, NAME:INSTANCE or its id')
    .option('--hex', 'show its bytes, even where the state describes its fields', false);
  command.action((file: string, options: InspectOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      if (options.section === undefined ? options.hex : options.brief)
        throw new StubferryError('USAGE', '--hex is for --section, and --section needs what --brief leaves out');
      const inspection = await untilAborted(signal, inspect(file, options.brief));
      const { state, flaw } = inspection;
      if (options.section === undefined) {
        await (json ? printInspectionJson(inspection) : printInspection(inspection));
      } else if (state === undefined) {
        throw flaw ?? new StubferryError('NOT_IN_INPUT', 'there is no QEMU state in this', { where: nameOf(file) });
      } else {
        const section = selectSection(state.sections, options.section, nameOf(file));
        await printSection(file, state, section, options.hex, json);
      }
      return flaw?.status ?? 0;
    });
  });
}

async function inspect(file: string, brief: boolean): Promise<Inspection> {
  const given = await openGiven(file);
  try {
    return await inspectInput(file, given, brief);
  } finally {
    await (given.format === 'transfer-disk'
      ? given.device
      : given.format === 'container'
        ? given
        : given.source
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

/** `target domid` as the key that other documents would have for it. */
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

/** JSON leaves some characters as they are that a terminal obeys. */
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
    throw new StubferryError('NOT_IN_INPUT', 'what is in RAM is not shown', {
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
    ['body', `${bodyLength} bytes at ${bodyOffset}${inferred ? ', its end inferred' : ''}`],
    ['xxh64', section.xxh64],
  ]);
  await printText(`${head}\n\n${contentsText(contents)}`);
}
