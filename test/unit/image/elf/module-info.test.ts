/** The metadata of a kernel module. */
import { describe, expect, it } from '@jest/globals';
import { parseModuleInfo } from '../../../../src/image/elf/module-info.js';
import { elfWith, moduleWith } from '../../../support/elf/elf-builder.js';
import { errorOf } from '../../../support/protocol/error-of.js';

describe('a kernel module', () => {
  it('has its name, its dependencies and its kernel release', () => {
    const bytes = moduleWith({
      license: 'GPL',
      depends: 'xen-privcmd,stp',
      name: 'xenfs',
      vermagic: '6.1.0-56-amd64 SMP preempt mod_unload modversions ',
    });
    expect(parseModuleInfo(bytes)).toEqual({
      name: 'xenfs',
      depends: ['xen_privcmd', 'stp'],
      release: '6.1.0-56-amd64',
    });
  });

  it('may have no dependencies', () => {
    const bytes = moduleWith({ depends: '', name: 'loop', vermagic: '6.12.1 SMP' });
    expect(parseModuleInfo(bytes).depends).toEqual([]);
  });

  it('is refused when the ELF file has no section .modinfo', () => {
    expect(errorOf(() => parseModuleInfo(elfWith({})))).toMatchObject({
      code: 'UNFIT_PARTS',
      details: { found: 'no section .modinfo, so it is not a kernel module' },
    });
  });
});
