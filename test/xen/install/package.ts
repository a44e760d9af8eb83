/**
 * What a user has after docs/debian-host.md, as tar archives that are unpacked into dom0's root.
 *
 *     npm pack, npm install --global FILE   /usr/local/lib/node_modules/stubferry, /usr/local/bin/stubferry
 *     stubferry image build                 /usr/local/lib/stubferry/qemu-stubdom-linux-*
 *
 * The host runs these commands: dom0 has neither a network nor a compiler here.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../build/artefacts.js';
import { builtOnce } from '../build/built-once.js';
import { run } from '../build/run.js';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** Where the stubdom's kernel and ramdisk are in dom0. */
export const IMAGE_FOLDER = '/usr/local/lib/stubferry';
/** Where that of another stubferry is, for comparisons. */
export const OTHER_IMAGE_FOLDER = '/usr/local/lib/other-image';
export const PREFIX = '/usr/local';

/** Steps of docs/debian-host.md, to other folders: npm's arguments before the package, and stubferry's. */
export const INSTALL_PROGRAM = (prefix: string): readonly string[] => ['install', '--global', '--prefix', prefix];
export const BUILD_IMAGE = (folder: string): readonly string[] => ['image', 'build', '--output', folder];

/** Archives, cached under a digest of the packed program and of Node. `folder` is for work. */
export async function packedForDom0(folder: string): Promise<string[]> {
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [packed] = JSON.parse(`${await run('npm', pack, { cwd: REPOSITORY })}`) as [{ readonly filename: string }];
  const archive = join(folder, packed.filename);
  const digest = createHash('sha256');
  for (const path of [archive, process.execPath]) digest.update(await readFile(path));
  const key = digest.digest('hex').slice(0, 32);
  const ready = await builtOnce(join(cacheFolder(), 'installed'), key, (building) => build(building, archive));
  await rm(archive);
  return [join(ready, 'program.tar'), join(ready, 'image.tar')];
}

/** The image that `stubferry image build` of another checkout has put into the folder `image`, as an archive. `folder` is for work. */
export async function otherImage(image: string, folder: string): Promise<string> {
  const archive = join(folder, 'other-image.tar');
  const there = `--transform=s,^\\.,.${OTHER_IMAGE_FOLDER},`;
  await run('tar', ['-c', '-f', archive, '--owner=0', '--group=0', there, '-C', image, '.']);
  return archive;
}

async function build(folder: string, archive: string): Promise<void> {
  const prefix = join(folder, 'root', PREFIX);
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // npm names its file after name and version, and takes a path for what it is only with a slash in it.
  await run('npm', [...INSTALL_PROGRAM(prefix), ...quiet, archive], { cwd: folder });
  await tar(folder, 'root', 'program.tar');

  const image = join(folder, 'image', IMAGE_FOLDER);
  const program = join(prefix, 'bin/stubferry');
  await mkdir(join(image, '..'), { recursive: true });
  await run(process.execPath, [program, ...BUILD_IMAGE(image), '--cache', join(cacheFolder(), 'image')]);
  await tar(folder, 'image', 'image.tar');
  await rm(join(folder, 'root'), { recursive: true });
  await rm(join(folder, 'image'), { recursive: true });
}

async function tar(folder: string, of: string, name: string): Promise<void> {
  const partial = join(folder, `${name}.part`);
  await run('tar', ['-c', '-f', partial, '--owner=0', '--group=0', '-C', join(folder, of), '.']);
  await rename(partial, join(folder, name));
}
