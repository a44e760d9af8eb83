/** `stubferry verify` */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import type { StateSource } from '../../formats/state-source.js';
import type { StatefileReader } from '../../formats/statefile/index.js';
import { CheckedSource } from '../../states/containers/index.js';
import { type Given, openGiven } from '../../states/open-input.js';
import { nameOf } from '../../states/open-state.js';
import { examineDisk } from '../../transfer/ring/index.js';
import { runCommand } from '../command-context.js';
import { printJson, printText } from '../render/print.js';
import { type Verification, verdictText, verifyContainer, verifyState } from '../render/verdict.js';

export function verifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .summary('read all of a state, save file or transfer disk and check that it is whole')
    .description(
      'Ends with status 0 only when FILE is whole and contradicts itself nowhere. Of a statefile or transfer disk every ' +
        'byte is checked. A bare QEMU state and the save files of xl and libvirt carry no checksum: of them the structure ' +
        'is checked, each record and section, and the answer says so.',
    )
    .argument('<file>', 'file, block device, or - for standard input');
  command.action((file: string) => {
    return runCommand(command, async ({ json, signal }) => {
      const opened = openGiven(file).then((given) => verify(file, given));
      const verdict = await untilAborted(signal, opened);
      await (json ? printJson({ verified: verdict }) : printText(verdictText(verdict)));
      return 0;
    });
  });
}

async function verify(file: string, given: Given): Promise<Verification> {
  switch (given.format) {
    case 'qevm':
      return closing(given.source, () => verifyState(file, given.source, 'QEMU state'));
    case 'container':
      return closing(given, () => verifyContainer(file, given));
    case 'statefile':
      return closing(given.source, () => verifyStatefile(file, given.source, given.reader));
    case 'transfer-disk':
      return closing(given.device, () => verifyDisk(file, given.device));
  }
}

async function closing<T>(opened: { close(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await opened.close();
  }
}

/** Its frames by their checksums, and the QEMU state in them as one that comes bare. */
async function verifyStatefile(file: string, source: StateSource, reader: StatefileReader): Promise<Verification> {
  const inspected = reader.begin.kind === 'opaque' ? source : new CheckedSource(source, nameOf(file));
  const buffer = new Uint8Array(1024 * 1024);
  while ((await inspected.read(buffer)) > 0);
  const { bytes, frames } = reader.progress;
  return { file, format: 'statefile', checked: 'every-byte', bytes, dataRecords: frames };
}

async function verifyDisk(file: string, device: Parameters<typeof examineDisk>[0]): Promise<Verification> {
  let first: StubferryError | undefined;
  const { dataFrames, payloadBytes, wrapped } = await examineDisk(device, (error) => {
    first ??= error;
  });
  if (first !== undefined) throw first;
  if (wrapped) {
    throw new StubferryError('UNVERIFIABLE', 'the ring of this transfer disk has wrapped', {
      where: file,
      expected: 'a ring on which every block is a frame or blank',
      found: 'remains of overwritten frames, which look like damage',
      hint: "all that can be checked does check; 'stubferry inspect' shows how far the agents came",
    });
  }
  return { file, format: 'transfer disk', checked: 'every-byte', bytes: payloadBytes, dataRecords: dataFrames };
}
