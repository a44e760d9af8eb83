/** Node, as it goes into the image: one binary, without what the agent never reads. */
import { chmod, copyFile, readFile, realpath, writeFile } from 'node:fs/promises';
import { StubferryError } from '../base/errors/index.js';
import { findIcuItems } from './icu/common-data.js';
import { isUnusedItem } from './icu/unused-items.js';
import type { Origin } from './package-tree.js';
import { runTool } from './run-tool.js';

/** What package.json asks for. */
const OLDEST_MAJOR = 20;

export interface NodeRuntime {
  readonly source: string;
  readonly origin: Origin;
}

/** @param path a Node for amd64 that runs on this machine. @throws StubferryError UNFIT_PARTS, TOOL_MISSING, TOOL_FAILED */
export async function findNode(path: string, signal: AbortSignal): Promise<NodeRuntime> {
  const version = (await runTool(path, ['--version'], signal)).trim();
  const major = Number(/^v(?<major>\d+)\./.exec(version)?.groups?.['major']);
  if (major >= OLDEST_MAJOR) return { source: await realpath(path), origin: { package: 'node', version } };
  throw new StubferryError('UNFIT_PARTS', 'this Node is too old for the agent', {
    where: path,
    expected: `version ${OLDEST_MAJOR} or newer`,
    found: version === '' ? 'a program that names no version' : version.slice(0, 40),
    hint: "name another one by '--node'",
  });
}

/** What was left out of the copy. */
export interface TrimmedNode {
  /** Without binutils it keeps its symbol tables. */
  readonly stripped: boolean;
  /** Bytes of languages and character sets that are zeros now. */
  readonly zeroedBytes: number;
}

/**
 * Copies Node without its symbol tables and with zeros for the languages of the world: of 86 MB, 29.5 MB when compressed, 17.9 MB
 * remain. In memory the zeros take nothing, for they are never read.
 *
 * @throws StubferryError TOOL_FAILED, UNFIT_PARTS
 */
export async function copyTrimmed(
  { source }: NodeRuntime,
  destination: string,
  signal: AbortSignal,
): Promise<TrimmedNode> {
  const stripped = await strip(source, destination, signal);
  const program = await readFile(destination);
  let zeroedBytes = 0;
  for (const { start, end } of findIcuItems(program).filter(({ name }) => isUnusedItem(name))) {
    program.fill(0, start, end);
    zeroedBytes += end - start;
  }
  await writeFile(destination, program);
  await chmod(destination, 0o755);
  return { stripped, zeroedBytes };
}

async function strip(source: string, destination: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runTool('strip', ['--strip-all', '-o', destination, source], signal);
  } catch (error) {
    if (!(error instanceof StubferryError) || error.code !== 'TOOL_MISSING') throw error;
    await copyFile(source, destination);
    return false;
  }
  return true;
}
