/** What `verify` found: that an input is whole, and how far that could be checked. */

import type { QevmState } from '../../formats/qevm/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { readState } from '../../states/containers/index.js';
import { nameOf } from '../../states/open-state.js';
import type { ExaminedInput } from '../../states/recognise-state.js';
import { formatBytes } from './format-values.js';

export interface Verification {
  readonly file: string;
  readonly format: string;
  /**
   * `every-byte`: by checksums. `structure`: the format carries none; lengths, counts, order, types, padding and ends were
   * checked, and a changed byte within a page or a section is not seen.
   */
  readonly checked: 'every-byte' | 'structure';
  /** Bytes of the state. */
  readonly bytes: number;
  readonly dataRecords?: number;
  readonly sections?: number;
  /** How the ends of sections are known; `inferred`: nothing in the state proves them. */
  readonly split?: QevmState['split'];
  readonly libxcRecords?: number;
  readonly pages?: number;
}

type ExaminedContainer = Extract<ExaminedInput, { format: 'container' }>;

/** Reads all of a bare state. @throws StubferryError what is wrong with it */
export async function verifyState(file: string, source: StateSource, format: string): Promise<Verification> {
  return { file, format, checked: 'structure', ...stateFacts(await readState(source, nameOf(file))) };
}

/** @throws StubferryError what is wrong with it, or with the state that it holds */
export async function verifyContainer(file: string, examined: ExaminedContainer): Promise<Verification> {
  const { container, flaw, state } = examined;
  if (flaw !== undefined) throw flaw;
  if (container.kind === 'libvirt-save') {
    const facts = state === undefined ? { bytes: 0 } : stateFacts(await readState(state.source, nameOf(file)));
    return { file, format: 'libvirt save file', checked: 'structure', ...facts };
  }
  const facts = state?.qevm === undefined ? { bytes: 0 } : stateFacts(state.qevm);
  const libxc = container.libxl?.libxc;
  const counted = Object.values(libxc?.records ?? {}).reduce((sum, count) => sum + count, 0);
  const format = container.kind === 'xl-save' ? 'xl save file' : 'libxl stream';
  return { file, format, checked: 'structure', ...facts, libxcRecords: counted, pages: libxc?.pages.withData ?? 0 };
}

/** The verdict in one line. */
export function verdictText(verdict: Verification): string {
  const { file, format, checked, bytes, dataRecords = 0, sections, split, libxcRecords, pages } = verdict;
  const size = `${bytes} bytes (${formatBytes(bytes)})`;
  if (checked === 'every-byte')
    return `${file}: ${format}: every byte checks: ${size} of state in ${dataRecords} data records`;
  const memory = libxcRecords === undefined ? [] : [`${libxcRecords} libxc records with ${pages} pages`];
  const ends = split === 'inferred' ? ', their ends inferred' : `, their ends known from the ${split}`;
  const devices = sections === undefined ? 'no device state' : `${size} of device state in ${sections} sections${ends}`;
  return (
    `${file}: ${format}: whole: ${[...memory, devices].join(', ')}\n` +
    'It carries no checksum: that a byte within a page or a section has changed cannot be seen.'
  );
}

function stateFacts({ bytes, sections, split }: QevmState): Pick<Verification, 'bytes' | 'sections' | 'split'> {
  return { bytes, sections: sections.length, split };
}
