/**
 * Reads the metadata of a kernel module: NUL-terminated `key=value` texts in its section `.modinfo`
 * (linux/include/linux/moduleparam.h).
 */
import { parseElf, sectionsOf } from './elf-file.js';
import { damaged, latin1 } from './reader.js';

/** The metadata of a kernel module. */
export interface ModuleInfo {
  /** The name as the kernel writes it: with `_`, where a file name may have `-`. */
  readonly name: string;
  /** Names of the modules that must be loaded before it. */
  readonly depends: readonly string[];
  /** The kernel release that it is built for. */
  readonly release: string;
}

/** Reads the metadata of a kernel module. @throws StubferryError UNFIT_PARTS: when the file is not a kernel module */
export function parseModuleInfo(bytes: Uint8Array): ModuleInfo {
  const file = parseElf(bytes);
  const section = sectionsOf(file).find(({ name }) => name === '.modinfo');
  if (section === undefined) throw damaged('no section .modinfo, so it is not a kernel module');
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

/** Converts a module's name to the kernel's form: `xen-blkfront` and `xen_blkfront` are the same module. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}
