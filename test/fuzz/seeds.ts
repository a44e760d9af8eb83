/**
 * The files that mutations start from: every fixture, and generated files for cases without a fixture (big-endian, PV,
 * checkpoints, xenstore data, libvirt). Each has a list of its blocks, so that mutations can change records and
 * sections.
 *
 * The real xl save file is reduced to its first pages, because a million runs with 16 MiB each would only copy memory.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readQevm } from '../../src/formats/qevm/index.js';
import { libvirtHead } from '../support/libvirt-save/libvirt-bytes.js';
import { HVM, hvmRecords, libxcHead, libxcRecord, libxcStream, PV } from '../support/libxc-stream/libxc-bytes.js';
import {
  emulatorRecord,
  libxlHead,
  libxlRecord,
  libxlStream,
  xenstoreData,
} from '../support/libxl-stream/libxl-bytes.js';
import { statefileOf } from '../support/statefile/written-statefile.js';
import { configData, XL, xlHead, xlSave } from '../support/xl-save/xl-bytes.js';
import { type Block, libxlBlocks } from './blocks.js';

/** The format of a seed. */
export type Family = 'xl-save' | 'libxl-stream' | 'libvirt-save' | 'statefile' | 'qevm';

/** A valid file that mutations start from. */
export interface Seed {
  readonly name: string;
  readonly family: Family;
  readonly bytes: Buffer;
  readonly blocks: readonly Block[];
  /** Whether the blocks are sections of a QEMU state that end with footers. */
  readonly footers: boolean;
  /** How often the seed is used, relative to others. Large seeds are used seldom. */
  readonly weight: number;
}

/** The length in bytes that is read in about half a millisecond. Larger seeds are used less often. */
const QUICK_BYTES = { qevm: 8 * 1024, others: 64 * 1024 };

/** Reads and generates all seeds. @param fixtures the path of the directory, with a slash at its end */
export async function allSeeds(fixtures: string): Promise<Seed[]> {
  const states = capturedStates(fixtures);
  const minimal = stateOf(states, 'xen-minimal.qevm');
  const described = stateOf(states, 'pc-minimal.description.qevm.gz');
  return [
    ...states.map(({ name, bytes }) => qevmSeed(name, bytes)),
    ...[...xlSeeds(fixtures, minimal), ...libxlSeeds(minimal), ...libvirtSeeds(minimal, described)],
    statefileSeed('statefile', Buffer.from(await statefileOf(minimal, 4000, { ...BEGIN, kind: 'device-state' }))),
  ];
}

const BEGIN = {
  ...{ targetUuid: '00000000-0000-0000-0000-000000000000', targetDomid: 7, qemuVersion: '7.2', machineType: 'xenfv' },
  ...{ stubferryVersion: '0.1.0', createdMs: 1, sha256: true },
} as const;

interface Captured {
  readonly name: string;
  readonly bytes: Buffer;
}

function capturedStates(fixtures: string): Captured[] {
  return ['xen-states', 'device-states'].flatMap((folder) =>
    readdirSync(`${fixtures}${folder}`)
      .filter((name) => /\.qevm(\.gz)?$/.test(name))
      .sort()
      .map((name) => {
        const stored = readFileSync(`${fixtures}${folder}/${name}`);
        return { name, bytes: name.endsWith('.gz') ? gunzipSync(stored) : stored };
      }),
  );
}

function stateOf(states: readonly Captured[], name: string): Buffer {
  const bytes = states.find((state) => state.name === name)?.bytes;
  if (bytes === undefined) throw new Error(`no fixture ${name}`);
  return bytes;
}

function seedOf(name: string, family: Family, bytes: Buffer, blocks: readonly Block[], share = 1): Seed {
  const quick = family === 'qevm' ? QUICK_BYTES.qevm : QUICK_BYTES.others;
  const weight = share * Math.min(1, (quick / bytes.length) ** 2);
  return { name, family, bytes, blocks, footers: false, weight };
}

function qevmSeed(name: string, bytes: Buffer): Seed {
  const state = readQevm(bytes, name);
  const sections = state.sections.map(({ offset, length, name: what }) => ({ name: what, offset, length }));
  const last = sections.at(-1);
  const end = last === undefined ? 8 : last.offset + last.length;
  const rest = { name: 'end', offset: end, length: bytes.length - end };
  const blocks = [{ name: 'header', offset: 0, length: 8 }, ...sections, rest];
  return { ...seedOf(name, 'qevm', bytes, blocks), footers: state.split === 'footers' };
}

function xlSeeds(fixtures: string, context: Buffer): Seed[] {
  const real = execFileSync('xz', ['-dc', `${fixtures}xl-save/xen-minimal.xlsave.xz`], { maxBuffer: 32 << 20 });
  const pv = Buffer.concat([
    ...[xlHead(XL, configData('{"c_info":{"type":"pv"}}')), libxlHead(), libxlRecord('LIBXC_CONTEXT')],
    ...[libxcStream(PV), libxlRecord('END')],
  ]);
  const xl = (name: string, bytes: Buffer): Seed => seedOf(name, 'xl-save', bytes, libxlBlocks(bytes), 6);
  return [
    xl('real xl save file', withoutMostPages(real)),
    xl('big-endian xl save file', xlSave(context, 'big')),
    xl('xl save file of a PV guest', pv),
  ];
}

/**
 * Removes most records of pages: all but one of those that contain only holes, and all after the third with contents.
 */
function withoutMostPages(file: Buffer): Buffer {
  let [kept, holes] = [0, 0];
  const blocks = libxlBlocks(file).filter(({ name, length }) => {
    if (name !== 'PAGE_DATA') return true;
    const isHole = length === 8 + 8 + 1024 * 8;
    if (isHole) holes += 1;
    else kept += length < 100_000 ? 1 : 3;
    return isHole ? holes === 1 : kept <= 3 && length < 100_000;
  });
  return Buffer.concat(blocks.map(({ offset, length }) => file.subarray(offset, offset + length)));
}

function libxlSeeds(context: Buffer): Seed[] {
  const data = emulatorRecord('EMULATOR_XENSTORE_DATA', xenstoreData([['physmap/f0000000/name', 'vga.vram']]));
  const records = hvmRecords();
  const live = records.slice(3, -1);
  const checkpoint = Buffer.concat([...live, libxcRecord('CHECKPOINT')]);
  const emulator = Buffer.concat([emulatorRecord('EMULATOR_CONTEXT', context), libxlRecord('CHECKPOINT_END')]);
  const checkpointed = Buffer.concat([
    ...[libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcHead(HVM), ...records.slice(0, 3)],
    ...[checkpoint, emulator, checkpoint, emulator, ...live, libxcRecord('END'), libxlRecord('END')],
  ]);
  const libxl = (name: string, bytes: Buffer): Seed => seedOf(name, 'libxl-stream', bytes, libxlBlocks(bytes), 6);
  return [
    libxl('libxl stream with xenstore data', libxlStream(context, 'little', data)),
    libxl('checkpointed libxl stream', checkpointed),
  ];
}

function libvirtSeeds(context: Buffer, described: Buffer): Seed[] {
  const libvirt = (name: string, head: Buffer, stream: Buffer): Seed => {
    const blocks = [
      { name: 'head', offset: 0, length: 92 },
      { name: 'text', offset: 92, length: head.length - 92 },
      { name: 'stream', offset: head.length, length: stream.length },
    ];
    return seedOf(name, 'libvirt-save', Buffer.concat([head, stream]), blocks, 3);
  };
  return [
    libvirt('libvirt save file', libvirtHead({ cookie: '<cookie/>' }), described),
    libvirt('big-endian libvirt save file', libvirtHead({ order: 'big' }), context),
  ];
}

function statefileSeed(name: string, bytes: Buffer): Seed {
  const count = bytes.length / 4096;
  const blocks = Array.from({ length: count }, (_, place) => ({ name: 'block', offset: place * 4096, length: 4096 }));
  return seedOf(name, 'statefile', bytes, blocks, 12);
}
