/** `stubferry verify` */
import type { Command } from 'commander';
import { untilAborted } from '../agents/index.js';
import { examineDisk } from '../channel/index.js';
import { StubferryError } from '../errors/index.js';
import { runCommand } from './command-context.js';
import { formatBytes } from './format-values.js';
import { printJson, printText } from './print.js';
import { type Given, openGiven } from './read-state.js';

interface Verdict {
  readonly file: string;
  readonly format: string;
  /** Bytes of the state that were checked. */
  readonly bytes: number;
  readonly dataRecords: number;
}

export function verifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .summary('read all of a statefile or transfer disk and check every byte of it')
    .description(
      'Ends with status 0 only when every byte of FILE was read and checked. A bare QEMU state carries no checksum: it ' +
        'cannot be verified, and is said to be so (status 17).',
    )
    .argument('<file>', 'file, block device, or - for standard input');
  command.action((file: string) => {
    return runCommand(command, async ({ json, signal }) => {
      const opened = openGiven(file).then((given) => verify(file, given));
      const verdict = await untilAborted(signal, opened);
      const { format, bytes, dataRecords } = verdict;
      await (json
        ? printJson({ verified: verdict })
        : printText(
            `${file}: ${format}: every byte checks: ${bytes} bytes (${formatBytes(bytes)}) of state in ${dataRecords} data records`,
          ));
      return 0;
    });
  });
}

async function verify(file: string, given: Given): Promise<Verdict> {
  switch (given.format) {
    case 'qevm':
      await given.source.close();
      throw new StubferryError('UNVERIFIABLE', 'a bare QEMU state carries no checksum', {
        where: file,
        found: `a ${given.start.kind}, by its first bytes`,
        hint: "'stubferry save -i FILE -o STATEFILE' makes a statefile of it, which can be verified from then on",
      });
    case 'container': {
      await given.close();
      if (given.flaw !== undefined) throw given.flaw;
      return { file, format: given.container.kind, bytes: 0, dataRecords: 0 };
    }
    case 'statefile': {
      const { reader } = given;
      while ((await reader.next()) !== undefined);
      await given.source.close();
      return { file, format: 'statefile', bytes: reader.progress.bytes, dataRecords: reader.progress.frames };
    }
    case 'transfer-disk': {
      let first: StubferryError | undefined;
      const { dataFrames, payloadBytes, wrapped } = await examineDisk(given.device, (error) => {
        first ??= error;
      });
      await given.device.close();
      if (first !== undefined) throw first;
      if (wrapped) {
        throw new StubferryError('UNVERIFIABLE', 'the ring of this transfer disk has wrapped', {
          where: file,
          expected: 'a ring on which every block is a frame or blank',
          found: 'remains of overwritten frames, which look like damage',
          hint: "all that can be checked does check; 'stubferry inspect' shows how far the agents came",
        });
      }
      return { file, format: 'transfer disk', bytes: payloadBytes, dataRecords: dataFrames };
    }
  }
}
