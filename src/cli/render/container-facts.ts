/** The facts that `inspect` prints about a container, as names and values. */

import { printable } from '../../base/errors/index.js';
import type { LibvirtSaveSummary } from '../../formats/libvirt-save/index.js';
import type { LibxcSummary } from '../../formats/xen/libxc-stream/index.js';
import type { LibxlSummary } from '../../formats/xen/libxl-stream/index.js';
import type { XlSaveSummary } from '../../formats/xen/xl-save/index.js';
import type { Compression } from '../../io/index.js';
import type { ExaminedInput } from '../../states/recognise-state.js';

type Fact = readonly [string, string | number | undefined];
type ExaminedContainer = Extract<ExaminedInput, { format: 'container' }>;

const COMPRESSED: Readonly<Record<Compression, string>> = {
  gzip: ', gzipped',
  xz: ', compressed with xz',
  zstd: ', compressed with zstd',
};

/** The suffix of a format name for a compressed input. */
export function compressionText(compressed: Compression | false): string {
  return compressed === false ? '' : COMPRESSED[compressed];
}

/** The facts about a container. For `--json` their names become keys. */
export function containerFacts(path: string, { container, compressed, flaw, state }: ExaminedContainer): Fact[] {
  const format = (name: string): Fact => ['format', `${name}${compressionText(compressed)}`];
  const last: Fact[] = [
    ['kind', state?.start.kind],
    ['machine type', state?.start.machineType],
    ['complete', flaw === undefined ? 'yes' : `no: ${flaw.message}; 'stubferry verify' reports the offset`],
  ];
  switch (container.kind) {
    case 'xl-save':
      return [['file', path], format('xl save file'), ...xlFacts(container), ...last];
    case 'libxl-stream':
      return [['file', path], format('libxl stream'), ...libxlFacts(container.libxl), ...last];
    case 'libvirt-save':
      return [['file', path], format('libvirt save file'), ...libvirtFacts(container), ...last];
  }
}

function xlFacts({ config, libxl }: XlSaveSummary): Fact[] {
  const text = config === undefined ? undefined : `${config.format}, ${config.length} bytes`;
  return [['config', text], ...(libxl === undefined ? [] : libxlFacts(libxl))];
}

function libxlFacts({
  version,
  byteOrder,
  fromLegacy,
  records,
  libxc,
  xenstore,
  emulatorContext,
}: LibxlSummary): Fact[] {
  return [
    ['libxl stream', `version ${version}, ${byteOrder}-endian${fromLegacy ? ', converted from a legacy stream' : ''}`],
    ['libxl records', countsText(records)],
    ...(libxc === undefined ? [] : libxcFacts(libxc)),
    ['xenstore data', xenstore?.entries.map(({ key, value }) => printable(`${key} = ${value}`)).join(', ')],
    ['emulator', emulatorContext?.emulator],
    [
      'emulator context',
      emulatorContext === undefined ? 'none' : `${emulatorContext.length} bytes at ${emulatorContext.offset}`,
    ],
  ];
}

function libxcFacts({ version, byteOrder, guest, xen, records, pages, bytes }: LibxcSummary): Fact[] {
  return [
    ['libxc stream', `version ${version}, ${byteOrder}-endian, ${bytes} bytes`],
    ['libxc records', countsText(records)],
    ['guest', guest],
    ['saved by', xen.major === 0 ? 'the conversion tool for legacy streams' : `Xen ${xen.major}.${xen.minor}`],
    ['pages', `${pages.withData} with contents, of ${pages.described} described`],
  ];
}

function libvirtFacts({ version, byteOrder, finished, wasRunning, compression, xml }: LibvirtSaveSummary): Fact[] {
  return [
    ['version', `${version}, ${byteOrder}-endian`],
    ['finished', finished ? 'yes' : 'no: libvirt was interrupted or is still saving'],
    ['guest', wasRunning ? 'was running' : 'was paused'],
    ['stream', compression],
    ['domain XML', xml === undefined ? undefined : `${Buffer.byteLength(xml)} bytes`],
  ];
}

function countsText(records: Readonly<Partial<Record<string, number>>>): string {
  return Object.entries(records)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
