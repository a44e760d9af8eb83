/** Copies Node into the image: one binary, without the data that the agent never reads. */
import { chmod, copyFile, readFile, realpath, writeFile } from 'node:fs/promises';
import { StubferryError } from '../base/errors/index.js';
import { findIcuItems } from './icu/common-data.js';
import { isUnusedItem } from './icu/unused-items.js';
import type { Origin } from './package-tree.js';
import { runTool } from './run-tool.js';

/** The oldest major version that package.json allows. */
const OLDEST_MAJOR = 20;

/** A binary of Node on this machine. */
export interface NodeRuntime {
  /** The path of the binary, without symbolic links. */
  readonly source: string;
  readonly origin: Origin;
}

/**
 * Runs `node --version`, and checks the version.
 *
 * @param path a Node for amd64 that runs on this machine
 * @throws StubferryError UNFIT_PARTS: when this Node is too old
 * @throws StubferryError TOOL_MISSING, TOOL_FAILED: when it cannot be run
 */
export async function findNode(path: string, signal: AbortSignal): Promise<NodeRuntime> {
  const version = (await runTool(path, ['--version'], signal)).trim();
  const major = Number(/^v(?<major>\d+)\./.exec(version)?.groups?.['major']);
  if (major >= OLDEST_MAJOR) return { source: await realpath(path), origin: { package: 'node', version } };
  throw new StubferryError('UNFIT_PARTS', 'this Node is too old for the agent', {
    where: path,
    expected: `version ${OLDEST_MAJOR} or newer`,
    found: version === '' ? 'a program that prints no version' : version.slice(0, 40),
    hint: "choose another Node with '--node'",
  });
}

/** What the copy does not contain. */
export interface TrimmedNode {
  /** Whether the symbol tables were removed, which needs binutils. */
  readonly stripped: boolean;
  /** How many bytes of languages and character sets were replaced by zeros. */
  readonly zeroedBytes: number;
}

/**
 * Copies Node without its symbol tables, and with zeros in place of its language data. The binary of 86 MB compresses
 * to 29.5 MB; the copy compresses to 17.9 MB. The zeros take no memory, because they are never read.
 *
 * @throws StubferryError TOOL_FAILED: when strip fails
 * @throws StubferryError UNFIT_PARTS: when the table of ICU's data is damaged
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
