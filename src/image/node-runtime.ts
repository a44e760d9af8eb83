/** Node, as it goes into the image: one binary, without what only a debugger reads. */
import { chmod, copyFile, realpath } from 'node:fs/promises';
import { StubferryError } from '../errors/index.js';
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

/** Copies it without its symbol tables; whole where there is no strip. @returns whether it was stripped */
export async function copyStripped(
  { source }: NodeRuntime,
  destination: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await runTool('strip', ['--strip-all', '-o', destination, source], signal);
  } catch (error) {
    if (!(error instanceof StubferryError) || error.code !== 'TOOL_MISSING') throw error;
    await copyFile(source, destination);
    await chmod(destination, 0o755);
    return false;
  }
  return true;
}
