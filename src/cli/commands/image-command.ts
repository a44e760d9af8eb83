/** The commands `stubferry image build` and `stubferry image inspect`. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { printable } from '../../base/errors/index.js';
import { WRITER } from '../../base/version.js';
import { type BuildOptions, buildImage, inspectImage, PACKAGE_SOURCES } from '../../image/index.js';
import { runCommand } from '../command-context.js';
import { formatBytes } from '../render/format-values.js';
import { facts, printJson, printText, table } from '../render/print.js';

interface BuildCommandOptions {
  readonly output: string;
  readonly force: boolean;
  readonly from: BuildOptions['from'];
  readonly cache: string;
  readonly kernelRelease?: string;
  readonly node: string;
}

/** Adds both commands. */
export function imageCommand(program: Command): void {
  const image = program
    .command('image')
    .summary('build or inspect the image of a stubdom')
    .description('Builds or inspects the kernel and ramdisk of a stubdom.');
  buildCommand(image);
  inspectCommand(image);
}

function buildCommand(image: Command): void {
  const command = image
    .command('build')
    .summary('build the kernel and ramdisk of a stubdom')
    .description(
      'Builds the kernel and ramdisk of a stubdom from Debian packages, this Node and this stubferry. ' +
        'The build is reproducible: the same packages give the same bytes, except for the code cache of the agent.',
    )
    .requiredOption('-o, --output <directory>', 'output directory')
    .option('--force', 'replace an existing image', false)
    .addOption(
      new Option(
        '--from <source>',
        'apt: packages that apt downloads and does not install; installed: the installed packages',
      )
        .choices(PACKAGE_SOURCES)
        .default('apt'),
    )
    .option('--cache <directory>', 'directory for downloaded packages', join(homedir(), '.cache/stubferry/image'))
    .option('--kernel-release <release>', "kernel release as in 'uname -r' (default: the newest)")
    .option('--node <path>', 'Node binary', process.execPath);
  command.action((options: BuildCommandOptions) => {
    return runCommand(command, async ({ json, log, signal }) => {
      const built = await buildImage({
        ...{ output: options.output, replace: options.force, from: options.from, cache: options.cache },
        ...{ kernelRelease: options.kernelRelease, node: options.node, writer: WRITER, signal },
        onStep: (step) => log.info({ step }, 'building'),
      });
      const { manifest, ...image } = built;
      const { kernel, files } = manifest;
      if (json) {
        await printJson({ image: { ...image, kernelRelease: kernel.release, files: files.length } });
        return 0;
      }
      const packages = new Set(files.map(({ package: name, version }) => `${name} ${version}`));
      const node = files.find(({ path }) => path === '/usr/bin/node');
      await printText(
        facts([
          ['kernel', `${image.kernel}, Linux ${kernel.release}, ${formatBytes(image.kernelBytes)}`],
          ['ramdisk', `${image.ramdisk}, ${formatBytes(image.ramdiskBytes)}`],
          ['files', `${files.length} of ${packages.size} packages`],
          ['node', `${node?.version}, ${image.nodeStripped ? 'stripped' : 'not stripped (apt-get install binutils)'}`],
        ]),
      );
      return 0;
    });
  });
}

function inspectCommand(image: Command): void {
  const command = image
    .command('inspect')
    .summary('verify a ramdisk and list its files')
    .description('Verifies a ramdisk against its manifest, then lists every file with its package.')
    .argument('<file>', 'ramdisk');
  command.action((file: string) => {
    return runCommand(command, async ({ json }) => {
      const { bytes, manifest } = await inspectImage(file);
      if (json) {
        await printJson({ file, bytes, ...manifest });
        return 0;
      }
      const { kernel, system, files, links, writer } = manifest;
      const shown = facts([
        ['file', file],
        ['written by', printable(writer)],
        ['bytes', `${bytes} (${formatBytes(bytes)})`],
        ['kernel', `Linux ${printable(kernel.release)}, ${printable(`${kernel.package} ${kernel.version}`)}`],
        ['kernel sha256', kernel.sha256],
        ['root file system', `${system.bytes} bytes compressed`],
        ['links', `${links.length}`],
      ]);
      const rows = files.map((one) => {
        return [printable(one.path), `${one.bytes}`, one.in, printable(`${one.package} ${one.version}`)];
      });
      await printText(`${shown}\n\n${table(['path', 'bytes', 'in', 'package'], rows, [1])}`);
      return 0;
    });
  });
}
