/** What a kernel module says of itself. */
import { describe, expect, it } from '@jest/globals';
import { parseModuleInfo } from '../../../../src/image/elf/module-info.js';
import { elfWith, moduleWith } from '../../../support/elf/elf-builder.js';
import { errorOf } from '../../../support/protocol/error-of.js';

describe('a kernel module', () => {
  it('names itself, what it depends on and its kernel', () => {
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

  it('may depend on none', () => {
    const bytes = moduleWith({ depends: '', name: 'loop', vermagic: '6.12.1 SMP' });
    expect(parseModuleInfo(bytes).depends).toEqual([]);
  });

  it('is not any ELF file', () => {
    expect(errorOf(() => parseModuleInfo(elfWith({})))).toMatchObject({
      code: 'UNFIT_PARTS',
      details: { found: 'no section .modinfo: no kernel module' },
    });
  });
});
