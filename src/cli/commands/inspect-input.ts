/**
 * Inspects an input as far as it can be read: its facts, the sections of its state, and the error that stopped the
 * reader.
 */
import { stat } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import type { QevmState } from '../../formats/qevm/index.js';
import { type StatefileSummary, seekSummary } from '../../formats/statefile/index.js';
import { FileSource } from '../../io/index.js';
import type { OpenedInput } from '../../states/open-input.js';
import { nameOf } from '../../states/open-state.js';
import { type ReadState, readSections } from '../../states/read-sections.js';
import { containerFacts } from '../render/container-facts.js';
import { diskFacts, type Facts, qevmFacts, statefileFacts } from '../render/inspect-facts.js';

/** The result of an inspection. */
export interface Inspection {
  readonly facts: Facts;
  /** Undefined when the input has no state, when it was not requested and when it cannot be read. */
  readonly state: QevmState | undefined;
  /** The error in the input, if there is one. */
  readonly flaw: StubferryError | undefined;
}

type OfFormat<T extends OpenedInput['format']> = Extract<OpenedInput, { format: T }>;

/**
 * Inspects an opened input.
 *
 * @param brief do not read the data of the state
 * @throws StubferryError: not even the kind of the input can be determined
 */
export async function inspectInput(path: string, input: OpenedInput, brief: boolean): Promise<Inspection> {
  switch (input.format) {
    case 'transfer-disk':
      return { facts: await diskFacts(path, input.device), state: undefined, flaw: undefined };
    case 'qevm': {
      const { read, flaw } = brief ? NOTHING : await attempt(() => readSections(input.source, nameOf(path)));
      return { facts: qevmFacts(path, input.start, input.compressed, read), state: read?.state, flaw };
    }
    case 'container':
      return inspectContainer(path, input, brief);
    case 'statefile':
      return brief ? briefStatefile(path, input) : wholeStatefile(path, input);
  }
}

async function inspectContainer(path: string, input: OfFormat<'container'>, brief: boolean): Promise<Inspection> {
  const { state: contained, flaw } = input;
  const facts = containerFacts(path, input);
  if (contained === undefined || contained.qevm !== undefined || brief) return { facts, state: contained?.qevm, flaw };
  // libvirt may compress the stream itself; offsets in the stream are not offsets in the file then.
  const found = await attempt(() => readSections(contained.source, nameOf(path), contained.offset));
  return { facts, state: found.read?.state, flaw: flaw ?? found.flaw };
}

async function wholeStatefile(
  path: string,
  { reader, source, compressed }: OfFormat<'statefile'>,
): Promise<Inspection> {
  const isState = reader.begin.kind !== 'opaque';
  const { read, flaw } = await attempt(async () => {
    if (isState) return readSections(source, nameOf(path));
    while ((await reader.next()) !== undefined);
    return undefined;
  });
  // The END record is reported for a damaged statefile as well, if it can be read.
  const summary =
    reader.end === undefined ? await summaryOf(path, compressed !== false).catch(() => undefined) : reader;
  const { header, begin } = reader;
  const { end, fileBytes } = summary ?? {};
  const facts = statefileFacts(path, { ...header, begin, end, fileBytes, compressed });
  return { facts, state: read?.state, flaw };
}

/** Reads the header, BEGIN and END, and skips the data where the input can seek. */
async function briefStatefile(path: string, { reader, compressed }: OfFormat<'statefile'>): Promise<Inspection> {
  const { header, begin } = reader;
  const { read, flaw } = await attempt(async () => {
    const summary = await summaryOf(path, compressed !== false);
    if (summary !== undefined) return summary;
    while ((await reader.next()) !== undefined);
    return { end: reader.end, fileBytes: reader.fileBytes };
  });
  const { end, fileBytes } = read ?? {};
  return { facts: statefileFacts(path, { ...header, begin, end, fileBytes, compressed }), state: undefined, flaw };
}

/** Reads the summary by seeking. @returns undefined where the input cannot seek */
async function summaryOf(path: string, compressed: boolean): Promise<StatefileSummary | undefined> {
  if (path === '-' || compressed || !(await stat(path)).isFile()) return undefined;
  const file = await FileSource.open(path);
  try {
    return await seekSummary(file, path);
  } finally {
    await file.close();
  }
}

interface Attempted<T> {
  readonly read: T | undefined;
  readonly flaw: StubferryError | undefined;
}

const NOTHING: Attempted<ReadState> = { read: undefined, flaw: undefined };

async function attempt<T>(work: () => Promise<T>): Promise<Attempted<T>> {
  try {
    return { read: await work(), flaw: undefined };
  } catch (error) {
    if (error instanceof StubferryError) return { read: undefined, flaw: error };
    throw error;
  }
}
