/** What the tests of the drivers for stubdoms have: a stubdom as libxl leaves it in xenstore, kernels at both ends, backings. */
import { execFileSync } from 'node:child_process';
import { afterEach } from '@jest/globals';
import { type FileLock, lockExclusive } from '../../../src/blockdev-utils/index.js';
import { LIMITS } from '../../../src/formats/protocol/limits.js';
import type { XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { SUPERBLOCK as SAMPLE } from '../protocol/sample-superblock.js';
import { formattedImage } from '../ring/formatted-image.js';
import { type XenstoreStage, xenstoreStage } from '../xenstore/stage.js';
import { type FrontendManners, startBackend, startFrontend } from './block-kernels.js';
import { folderIn } from './places.js';

const SUPERBLOCK = { ...SAMPLE, ringLength: LIMITS.ring.min, maxPayload: LIMITS.payload.min };

/** The virtual device that is the first choice, and its name. */
export const XVDZ = 268441856;
export const STUBDOM = 7;
export const UUID = '5b4d8d7e-8d0a-4f7b-9f63-0b2f0c0c3f11';

export interface XenStage extends XenstoreStage {
  /** Of dom0. */
  readonly store: XenstoreClient;
  /** Of the stubdom. */
  readonly inStubdom: XenstoreClient;
  place(name: string): string;
  /** The stubdom, without kernels. */
  begin(): Promise<void>;
  /** The stubdom with its frontend, and dom0's backend. */
  beginWith(manners?: FrontendManners): Promise<void>;
  /** A transfer disk in a file, owned by an agent that lives. */
  backing(name?: string): Promise<string>;
  /** The agents of all backings die. */
  agentsDie(): Promise<void>;
  /** Everything at and below a path: values by paths relative to it. */
  tree(path: string): Promise<Record<string, string>>;
}

/** Loop devices over files in that folder. */
export function loopsOver(folder: string): string[] {
  const list = execFileSync('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE'], { encoding: 'utf8' });
  return list
    .split('\n')
    .filter((line) => line.includes(folder))
    .map((line) => line.split(/\s+/)[0] ?? '');
}

/** To be called in a `describe`. */
export function xenStage(): XenStage {
  const stage = xenstoreStage();
  const place = folderIn('/dev/shm');
  const owners: FileLock[] = [];
  let store: XenstoreClient | undefined;
  let inStubdom: XenstoreClient | undefined;

  const agentsDie = async (): Promise<void> => {
    for (const owner of owners.splice(0)) await owner.release();
  };
  afterEach(async () => {
    await agentsDie();
    for (const loop of loopsOver(place(''))) execFileSync('losetup', ['--detach', loop]);
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
  const there = (client: XenstoreClient | undefined): XenstoreClient => {
    if (client === undefined) throw new Error('begin() comes first');
    return client;
  };
  const tree = async (path: string): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    const walk = async (at: string): Promise<void> => {
      const value = await there(store).read(at);
      if (value === undefined) return;
      found[at.slice(path.length + 1)] = value;
      for (const child of (await there(store).directory(at)) ?? []) await walk(`${at}/${child}`);
    };
    await walk(path);
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
      return there(store);
    },
    get inStubdom() {
      return there(inStubdom);
    },
    place,
    begin,
    beginWith: async (manners = {}) => {
      await begin();
      await startBackend(await stage.dom0(), STUBDOM);
      await startFrontend(there(inStubdom), manners);
    },
    backing: async (name = 'transfer.img') => {
      const path = place(name);
      await formattedImage(path, SUPERBLOCK);
      owners.push(await lockExclusive(path));
      return path;
    },
    agentsDie,
    tree,
  };
}
