/**
 * Makes tar archives with the files that docs/how-to/debian-host.md installs. The lab unpacks them into dom0's root.
 *
 *     npm pack, npm install --global FILE   /usr/local/lib/node_modules/stubferry, /usr/local/bin/stubferry
 *     stubferry image build                 /usr/local/lib/stubferry/qemu-stubdom-linux-*
 *
 * The host runs these commands, because dom0 has neither a network nor a compiler in the lab.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../build/artefacts.js';
import { builtOnce } from '../build/built-once.js';
import { run } from '../build/run.js';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** The directory of the stubdom's kernel and ramdisk in dom0. */
export const IMAGE_FOLDER = '/usr/local/lib/stubferry';
/** The directory of the image of another stubferry in dom0, for comparisons. */
export const OTHER_IMAGE_FOLDER = '/usr/local/lib/other-image';
/** The npm prefix in dom0. */
export const PREFIX = '/usr/local';

/**
 * The arguments of commands in docs/how-to/debian-host.md, with another directory: those of npm before the package, and
 * those of stubferry.
 */
export const INSTALL_PROGRAM = (prefix: string): readonly string[] => ['install', '--global', '--prefix', prefix];
export const BUILD_IMAGE = (folder: string): readonly string[] => ['image', 'build', '--output', folder];

/**
 * Makes the archives of the program and of the image, cached under a digest of the packed program and of Node.
 * @param folder a working directory
 * @returns the paths of the archives
 */
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

/**
 * Makes an archive of the image of another stubferry.
 * @param image the directory that `stubferry image build` of another checkout has written
 * @param folder a working directory
 * @returns the path of the archive
 */
export async function otherImage(image: string, folder: string): Promise<string> {
  const archive = join(folder, 'other-image.tar');
  const destination = `--transform=s,^\\.,.${OTHER_IMAGE_FOLDER},`;
  await run('tar', ['-c', '-f', archive, '--owner=0', '--group=0', destination, '-C', image, '.']);
  return archive;
}

async function build(folder: string, archive: string): Promise<void> {
  const prefix = join(folder, 'root', PREFIX);
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // npm pack chooses the file name. npm install treats an argument as a path only if it contains a slash.
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
