/** `stubferry inspect` */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { untilAborted } from '../agents/index.js';
import { examineDisk } from '../channel/index.js';
import type { ControlBlock } from '../codec/control-block.js';
import type { BeginRecord, EndRecord } from '../codec/records.js';
import { FORMAT_MAJOR } from '../codec/superblock.js';
import { NIL_UUID } from '../codec/uuid.js';
import { hex64 } from '../codec/xxh64.js';
import { type Compression, FileSource } from '../endpoints/index.js';
import type { StubferryError } from '../errors/index.js';
import { type StatefileSummary, seekSummary } from '../statefile/index.js';
import type { StateSource } from '../transfer/index.js';
import { runCommand } from './command-context.js';
import { compressionText, containerFacts } from './container-facts.js';
import { formatBytes } from './format-values.js';
import { facts, printJson, printText } from './print.js';
import { type Given, openGiven } from './read-state.js';

/** Names and values, for people and, as an object, for `--json`. */
type Facts = readonly (readonly [string, string | number | undefined])[];

export function inspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .summary('say what a state or transfer disk is, and who wrote it')
    .description(
      'FILE is a statefile, a bare QEMU state (also gzipped), or a transfer disk that nobody is working on. ' +
        "The data of a statefile is not read: 'stubferry verify' does that.",
    )
    .argument('<file>', 'file, block device, or - for standard input');
  command.action((file: string) => {
    return runCommand(command, async ({ json, signal }) => {
      const opened = openGiven(file).then((given) => inspect(file, given));
      const found = await untilAborted(signal, opened);
      const shown = found.filter(([, value]) => value !== undefined && value !== '');
      if (json) await printJson(Object.fromEntries(shown.map(([name, value]) => [camelCase(name), value])));
      else await printText(facts(shown.map(([name, value]) => [name, `${value}`] as const)));
      return 0;
    });
  });
}

/** `target domid` as the key that other documents would have for it. */
function camelCase(name: string): string {
  return name.replaceAll(/ (?<first>.)/g, (_, first: string) => first.toUpperCase());
}

async function inspect(path: string, given: Given): Promise<Facts> {
  switch (given.format) {
    case 'transfer-disk':
      return diskFacts(path, given.device);
    case 'qevm': {
      const { bytes, sha256 } = await digestOf(given.source);
      return [
        ['file', path],
        ['format', `bare QEMU state (QEVM version 3)${compressionText(given.compressed)}`],
        ['kind', given.start.kind],
        ['machine type', given.start.machineType],
        ['bytes', bytes],
        ['sha256', sha256],
        ['integrity', 'carries no checksum of its own'],
      ];
    }
    case 'container': {
      await given.close();
      return containerFacts(path, given);
    }
    case 'statefile': {
      const isFile = path !== '-' && (await stat(path)).isFile();
      const seekable = isFile && !given.compressed ? await FileSource.open(path) : undefined;
      if (seekable === undefined) {
        const { reader } = given;
        while ((await reader.next()) !== undefined);
        const { header, begin, end, fileBytes } = reader;
        return end === undefined ? [] : statefileFacts(path, { header, begin, end, fileBytes }, given.compressed);
      }
      await given.source.close();
      try {
        return statefileFacts(path, await seekSummary(seekable, path), false);
      } finally {
        await seekable.close();
      }
    }
  }
}

function statefileFacts(path: string, summary: StatefileSummary, compressed: Compression | false): Facts {
  const { header, begin, end, fileBytes } = summary;
  return [
    ['file', path],
    ['format', `stubferry statefile, format ${FORMAT_MAJOR}${compressionText(compressed)}`],
    ['written by', header.writer],
    ['transfer', header.transferUuid],
    ...beginFacts(begin),
    ...endFacts(end),
    ['file bytes', fileBytes],
    ['data records', end.dataFrames],
  ];
}

function beginFacts(begin: BeginRecord): Facts {
  return [
    ['kind', begin.kind],
    ['target', begin.targetUuid === NIL_UUID ? undefined : begin.targetUuid],
    ['target domid', begin.targetDomid === 0 ? undefined : begin.targetDomid],
    ['qemu version', begin.qemuVersion],
    ['machine type', begin.machineType],
    ['sent by', `stubferry ${begin.stubferryVersion}`],
    ['created', isoTime(begin.createdMs)],
  ];
}

function endFacts(end: EndRecord): Facts {
  const hex = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
  return [
    ['bytes', end.stateBytes],
    ['sha256', hex(end.digests?.sha256)],
    ['xxh64', hex(end.digests?.xxh64)],
    ['chain', hex64(end.chain)],
  ];
}

/** A time from a record may be any number; one that no calendar has is shown as it is. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms since 1970` : date.toISOString();
}

async function digestOf(source: StateSource): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(1024 * 1024);
  let bytes = 0;
  for (let count = await source.read(buffer); count > 0; count = await source.read(buffer)) {
    hash.update(buffer.subarray(0, count));
    bytes += count;
  }
  await source.close();
  return { bytes, sha256: hash.digest('hex') };
}

async function diskFacts(path: string, device: Parameters<typeof examineDisk>[0]): Promise<Facts> {
  const damages: StubferryError[] = [];
  const { superblock, sender, receiver, frames, payloadBytes, otherBlocks } = await examineDisk(device, (error) =>
    damages.push(error),
  );
  await device.close();
  return [
    ['file', path],
    ['format', `transfer disk, format ${FORMAT_MAJOR}`],
    ['written by', superblock.writer],
    ['transfer', superblock.transferUuid],
    ['direction', superblock.direction],
    ['target', superblock.targetUuid === NIL_UUID ? undefined : superblock.targetUuid],
    ['target domid', superblock.targetDomid === 0 ? undefined : superblock.targetDomid],
    ['ring', formatBytes(superblock.ringLength)],
    ['largest payload', formatBytes(superblock.maxPayload)],
    ['largest state', formatBytes(superblock.maxState)],
    ['sender', controlText(sender)],
    ['receiver', controlText(receiver)],
    ['frames on the ring', `${frames}, with ${payloadBytes} bytes of payload`],
    ['other blocks', otherBlocks],
    ['damage', damages.length === 0 ? 'none seen' : `${damages.length} places; 'stubferry verify' names the first`],
  ];
}

function controlText(control: ControlBlock | undefined): string {
  if (control === undefined) return 'never came';
  const { phase, cursor, streamed, errorStatus, reason } = control;
  const why = errorStatus === 0 ? '' : `, error ${errorStatus}: ${reason}`;
  return `${phase}, cursor ${cursor}, ${streamed} bytes of the state${why}`;
}
