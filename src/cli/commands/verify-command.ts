/** The command `stubferry verify`. */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import type { StateSource } from '../../formats/state-source.js';
import type { StatefileReader } from '../../formats/statefile/index.js';
import { CheckedSource } from '../../states/containers/index.js';
import { type OpenedInput, openInput } from '../../states/open-input.js';
import { nameOf } from '../../states/open-state.js';
import { examineDisk } from '../../transfer/ring/index.js';
import { runCommand } from '../command-context.js';
import { printJson, printText } from '../render/print.js';
import { type Verification, verdictText, verifyContainer, verifyState } from '../render/verdict.js';

/** Adds the command. */
export function verifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .summary('verify that a state, save file or transfer disk is complete and valid')
    .description(
      'Reads all of FILE, and exits with status 0 only when it is complete and valid. In a statefile or transfer ' +
        'disk every byte is verified by checksums. A bare QEMU state and the save files of xl and libvirt have no ' +
        'checksums, so only their structure is verified, each record and section, and the result states that.',
    )
    .argument('<file>', 'file, block device, or - for standard input');
  command.action((file: string) => {
    return runCommand(command, async ({ json, signal }) => {
      const opened = openInput(file).then((input) => verify(file, input));
      const verdict = await untilAborted(signal, opened);
      await (json ? printJson({ verified: verdict }) : printText(verdictText(verdict)));
      return 0;
    });
  });
}

async function verify(file: string, input: OpenedInput): Promise<Verification> {
  switch (input.format) {
    case 'qevm':
      return closing(input.source, () => verifyState(file, input.source, 'QEMU state'));
    case 'container':
      return closing(input, () => verifyContainer(file, input));
    case 'statefile':
      return closing(input.source, () => verifyStatefile(file, input.source, input.reader));
    case 'transfer-disk':
      return closing(input.device, () => verifyDisk(file, input.device));
  }
}

async function closing<T>(opened: { close(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await opened.close();
  }
}

/** Verifies the frames by their checksums, and the QEMU state in them like a bare one. */
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
      expected: 'a ring on which each block is a frame or blank',
      found: 'parts of overwritten frames, which look like damage',
      hint: "every block that can be verified is valid; 'stubferry inspect' shows the progress of the agents",
    });
  }
  return { file, format: 'transfer disk', checked: 'every-byte', bytes: payloadBytes, dataRecords: dataFrames };
}
