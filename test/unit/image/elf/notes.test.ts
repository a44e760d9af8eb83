/** A kernel says in its notes that Xen can start it. */
import { describe, expect, it } from '@jest/globals';
import { parseElf } from '../../../../src/image/elf/elf-file.js';
import { hasXenEntry } from '../../../../src/image/elf/notes.js';
import { elfWith, kernelWith } from '../../../support/elf/elf-builder.js';
import { errorOf } from '../../../support/protocol/error-of.js';

const ENTRY = 1;
const PHYS32_ENTRY = 18;

describe('the notes of a kernel', () => {
  it('have an entry for PV domains, among others', () => {
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

  it('have none when Xen can start it as a PVH domain only', () => {
    expect(hasXenEntry(parseElf(kernelWith([['Xen', PHYS32_ENTRY]])))).toBe(false);
  });

  it("have none when another owner's note has the same number", () => {
    expect(hasXenEntry(parseElf(kernelWith([['GNU', ENTRY]])))).toBe(false);
  });

  it('are not there in a program', () => {
    expect(hasXenEntry(parseElf(elfWith({})))).toBe(false);
  });

  it('that reach beyond the end of the file are refused', () => {
    const kernel = kernelWith([
      ['Xen', PHYS32_ENTRY],
      ['Xen', ENTRY],
    ]);
    expect(errorOf(() => hasXenEntry(parseElf(kernel.subarray(0, -20))))).toMatchObject({ code: 'UNFIT_PARTS' });
  });
});
