/** The notes of a kernel that Xen can start. */
import { describe, expect, it } from '@jest/globals';
import { parseElf } from '../../../../src/image/elf/elf-file.js';
import { hasXenEntry } from '../../../../src/image/elf/notes.js';
import { elfWith, kernelWith } from '../../../support/elf/elf-builder.js';
import { errorOf } from '../../../support/protocol/error-of.js';

const ENTRY = 1;
const PHYS32_ENTRY = 18;

describe('the notes of a kernel', () => {
  it('have an entry for PV domains among other notes', () => {
    expect(
      hasXenEntry(
        parseElf(
          kernelWith([
            ['Linux', 257],
            ['Xen', PHYS32_ENTRY],
            ['Xen', ENTRY],
          ]),
        ),
      ),
    ).toBe(true);
  });

  it('have no entry for PV domains when Xen can start the kernel as a PVH domain only', () => {
    expect(hasXenEntry(parseElf(kernelWith([['Xen', PHYS32_ENTRY]])))).toBe(false);
  });

  it('have no entry when the note with its number has another owner', () => {
    expect(hasXenEntry(parseElf(kernelWith([['GNU', ENTRY]])))).toBe(false);
  });

  it('have no entry in a program', () => {
    expect(hasXenEntry(parseElf(elfWith({})))).toBe(false);
  });

  it('are refused when they reach beyond the end of the file', () => {
    const kernel = kernelWith([
      ['Xen', PHYS32_ENTRY],
      ['Xen', ENTRY],
    ]);
    expect(errorOf(() => hasXenEntry(parseElf(kernel.subarray(0, -20))))).toMatchObject({ code: 'UNFIT_PARTS' });
  });
});
