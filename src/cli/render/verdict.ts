/** The result of `verify` for an input that is complete, and how much of it could be verified. */

import type { QevmState } from '../../formats/qevm/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { readState } from '../../states/containers/index.js';
import { nameOf } from '../../states/open-state.js';
import type { ExaminedInput } from '../../states/recognise-state.js';
import { counted } from './format-values.js';

/** The value of `verified` in the `--json` document. */
export interface Verification {
  readonly file: string;
  readonly format: string;
  /**
   * `every-byte`: checksums cover every byte. `structure`: the format has no checksums, so lengths, counts, order,
   * types, padding and end marks were checked, and a changed byte within a page or a section is not detected.
   */
  readonly checked: 'every-byte' | 'structure';
  /** Size of the state in bytes. */
  readonly bytes: number;
  readonly dataRecords?: number;
  readonly sections?: number;
  /** How the section boundaries are known. `inferred`: nothing in the state proves them. */
  readonly split?: QevmState['split'];
  readonly libxcRecords?: number;
  readonly pages?: number;
}

type ExaminedContainer = Extract<ExaminedInput, { format: 'container' }>;

/** Reads the whole of a bare state. @throws StubferryError the first error in it */
export async function verifyState(file: string, source: StateSource, format: string): Promise<Verification> {
  return { file, format, checked: 'structure', ...stateFacts(await readState(source, nameOf(file))) };
}

/** Verifies a container and the state in it. @throws StubferryError the first error in either */
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

/** The verdict as text, in one line; where only the structure was checked, a second line states that limit. */
export function verdictText(verdict: Verification): string {
  const { file, format, checked, bytes, dataRecords = 0, sections, split, libxcRecords, pages } = verdict;
  if (checked === 'every-byte')
    return `${file}: ${format}: OK: ${bytes} bytes verified (${counted(dataRecords, 'data record')})`;
  const memory = libxcRecords === undefined ? [] : [`${libxcRecords} libxc records with ${pages} pages`];
  const boundaries = split === 'inferred' ? 'boundaries inferred' : `boundaries known from the ${split}`;
  const devices =
    sections === undefined
      ? 'no device state'
      : `${bytes} bytes of device state in ${counted(sections, 'section')} (${boundaries})`;
  return (
    `${file}: ${format}: structure OK: ${[...memory, devices].join(', ')}\n` +
    'The format has no checksums: a changed byte within a page or a section is not detected.'
  );
}

function stateFacts({ bytes, sections, split }: QevmState): Pick<Verification, 'bytes' | 'sections' | 'split'> {
  return { bytes, sections: sections.length, split };
}
