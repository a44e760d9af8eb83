/** Looks into an input, as far as it can be read: what it is, the sections of the state in it, and what is wrong with it. */
import { stat } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import type { QevmState } from '../../formats/qevm/index.js';
import { type StatefileSummary, seekSummary } from '../../formats/statefile/index.js';
import { FileSource } from '../../io/index.js';
import type { Given } from '../../states/open-input.js';
import { nameOf } from '../../states/open-state.js';
import { type ReadState, readSections } from '../../states/read-sections.js';
import { containerFacts } from '../render/container-facts.js';
import { diskFacts, type Facts, qevmFacts, statefileFacts } from '../render/inspect-facts.js';

export interface Inspection {
  readonly facts: Facts;
  /** Undefined when there is none, when it was not asked for, and when it cannot be read. */
  readonly state: QevmState | undefined;
  /** What is wrong. */
  readonly flaw: StubferryError | undefined;
}

type OfFormat<T extends Given['format']> = Extract<Given, { format: T }>;

/**
 * @param brief do not read the data of a state
 * @throws StubferryError when nothing can be said of the input
 */
export async function inspectInput(path: string, given: Given, brief: boolean): Promise<Inspection> {
  switch (given.format) {
    case 'transfer-disk':
      return { facts: await diskFacts(path, given.device), state: undefined, flaw: undefined };
    case 'qevm': {
      const { read, flaw } = brief ? NOTHING : await attempt(() => readSections(given.source, nameOf(path)));
      return { facts: qevmFacts(path, given.start, given.compressed, read), state: read?.state, flaw };
    }
    case 'container':
      return inspectContainer(path, given, brief);
    case 'statefile':
      return brief ? briefStatefile(path, given) : wholeStatefile(path, given);
  }
}

async function inspectContainer(path: string, given: OfFormat<'container'>, brief: boolean): Promise<Inspection> {
  const { state: contained, flaw } = given;
  const facts = containerFacts(path, given);
  if (contained === undefined || contained.qevm !== undefined || brief) return { facts, state: contained?.qevm, flaw };
  // libvirt compresses the stream itself: offsets in it are no offsets in the file then.
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
  // What the end says is told of a damaged one as well, where it can be had.
  const summary =
    reader.end === undefined ? await summaryOf(path, compressed !== false).catch(() => undefined) : reader;
  const { header, begin } = reader;
  const { end, fileBytes } = summary ?? {};
  const facts = statefileFacts(path, { ...header, begin, end, fileBytes, compressed });
  return { facts, state: read?.state, flaw };
}

/** Header, BEGIN and END; no data, where that can be avoided. */
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

/** By seeking; undefined where that is not possible. */
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
