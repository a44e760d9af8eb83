/** What a kernel module says of itself: NUL-ended `key=value` texts in its section `.modinfo` (linux/include/linux/moduleparam.h). */
import { parseElf, sectionsOf } from './elf-file.js';
import { damaged, latin1 } from './reader.js';

export interface ModuleInfo {
  /** As the kernel writes it: with `_` where a file name may have `-`. */
  readonly name: string;
  /** Modules that must be there before it. */
  readonly depends: readonly string[];
  /** Release of the kernel that it was built for. */
  readonly release: string;
}

/** @throws StubferryError UNFIT_PARTS for what is no kernel module */
export function parseModuleInfo(bytes: Uint8Array): ModuleInfo {
  const file = parseElf(bytes);
  const section = sectionsOf(file).find(({ name }) => name === '.modinfo');
  if (section === undefined) throw damaged('no section .modinfo: no kernel module');
  const texts = latin1(file.reader.bytes(section.offset, section.size)).split('\0');
  const textOf = (key: string): string => {
    const start = `${key}=`;
    return texts.find((text) => text.startsWith(start))?.slice(start.length) ?? '';
  };
  const depends = textOf('depends')
    .split(',')
    .filter((name) => name !== '');
  return {
    name: moduleName(textOf('name')),
    depends: depends.map(moduleName),
    release: textOf('vermagic').split(' ')[0] ?? '',
  };
}

/** `xen-blkfront` and `xen_blkfront` are the same module. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}
