/**
 * The environment for tests of the drivers for stubdoms: a stubdom as libxl creates it in xenstore, kernels at both
 * ends, and backings.
 */
import { execFileSync } from 'node:child_process';
import { afterEach } from '@jest/globals';
import { type FileLock, lockExclusive } from '../../../src/blockdev-utils/index.js';
import { LIMITS } from '../../../src/formats/protocol/limits.js';
import type { XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { SUPERBLOCK as SAMPLE } from '../protocol/sample-superblock.js';
import { formattedImage } from '../ring/formatted-image.js';
import { type XenstoreStage, xenstoreStage } from '../xenstore/stage.js';
import { type FrontendBehaviour, startBackend, startFrontend } from './block-kernels.js';
import { directoryIn } from './places.js';

const SUPERBLOCK = { ...SAMPLE, ringLength: LIMITS.ring.min, maxPayload: LIMITS.payload.min };

/** The number of xvdz, the preferred virtual device. */
export const XVDZ = 268441856;
export const STUBDOM = 7;
export const UUID = '5b4d8d7e-8d0a-4f7b-9f63-0b2f0c0c3f11';

export interface XenStage extends XenstoreStage {
  /** The client of dom0. */
  readonly store: XenstoreClient;
  /** The client of the stubdom. */
  readonly inStubdom: XenstoreClient;
  /** Path of a file in the directory of the test. */
  path(name: string): string;
  /** Creates the stubdom, without kernels. */
  begin(): Promise<void>;
  /** Creates the stubdom with its frontend and the backend in dom0. */
  beginWithKernels(behaviour?: FrontendBehaviour): Promise<void>;
  /** Creates a transfer disk in a file that a live agent owns. */
  backing(name?: string): Promise<string>;
  /** Simulates the death of the agents of all backings. */
  killAgents(): Promise<void>;
  /** Reads everything at and below a path: values by relative paths. */
  tree(path: string): Promise<Record<string, string>>;
}

/** Returns the loop devices over files in that directory. */
export function loopsOver(directory: string): string[] {
  const list = execFileSync('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE'], { encoding: 'utf8' });
  return list
    .split('\n')
    .filter((line) => line.includes(directory))
    .map((line) => line.split(/\s+/)[0] ?? '');
}

/** Call it in a `describe`. */
export function xenStage(): XenStage {
  const stage = xenstoreStage();
  const pathOf = directoryIn('/dev/shm');
  const owners: FileLock[] = [];
  let store: XenstoreClient | undefined;
  let inStubdom: XenstoreClient | undefined;

  const killAgents = async (): Promise<void> => {
    for (const owner of owners.splice(0)) await owner.release();
  };
  afterEach(async () => {
    await killAgents();
    for (const loop of loopsOver(pathOf(''))) execFileSync('losetup', ['--detach', loop]);
  });

  const begin = async (): Promise<void> => {
    const dom0 = await stage.dom0();
    store = dom0;
    const home = `/local/domain/${STUBDOM}`;
    await dom0.write(`${home}/vm`, `/vm/${UUID}`);
    await dom0.write(`${home}/name`, 'guest-dm');
    await dom0.mkdir(`${home}/device`);
    for (const path of [home, `${home}/device`]) {
      await dom0.setPermissions(path, { owner: 0, domains: [{ domid: STUBDOM, read: true, write: false }] });
    }
    inStubdom = await stage.domain(STUBDOM);
  };
  const required = (client: XenstoreClient | undefined): XenstoreClient => {
    if (client === undefined) throw new Error('call begin() first');
    return client;
  };
  const tree = async (path: string): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    const visit = async (at: string): Promise<void> => {
      const value = await required(store).read(at);
      if (value === undefined) return;
      found[at.slice(path.length + 1)] = value;
      for (const child of (await required(store).directory(at)) ?? []) await visit(`${at}/${child}`);
    };
    await visit(path);
    return found;
  };

  return {
    get xenstored() {
      return stage.xenstored;
    },
    dom0: stage.dom0,
    domain: stage.domain,
    peers: stage.peers,
    get store() {
      return required(store);
    },
    get inStubdom() {
      return required(inStubdom);
    },
    path: pathOf,
    begin,
    beginWithKernels: async (behaviour = {}) => {
      await begin();
      await startBackend(await stage.dom0(), STUBDOM);
      await startFrontend(required(inStubdom), behaviour);
    },
    backing: async (name = 'transfer.img') => {
      const path = pathOf(name);
      await formattedImage(path, SUPERBLOCK);
      owners.push(await lockExclusive(path));
      return path;
    },
    killAgents,
    tree,
  };
}
