/**
 * Finds exactly the shared libraries that programs need, in the way of ld.so, and checks that they fit: every symbol
 * version that one file requires of another must exist, because the program would otherwise end before its main().
 *
 * ld.so searches DT_RUNPATH of the file, then the directories that are compiled into the loader of Debian's amd64. This
 * module does not find libraries that a program opens by name while it runs (dlopen). No program of the image needs
 * such a library.
 */
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { located, StubferryError } from '../base/errors/index.js';
import { type DynamicSection, dynamicSectionOf } from './elf/dynamic.js';
import { EM_X86_64, interpreterOf, isElf, parseElf } from './elf/elf-file.js';
import { merged, type PackageTree, type Part } from './package-tree.js';

const DIRECTORIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib', '/usr/lib64'];

interface Library extends Part {
  readonly dynamic: DynamicSection;
}

/** The shared libraries of a set of programs. */
export class SharedLibraries {
  readonly #tree: PackageTree;
  /** Libraries by soname. They include the loader, under the soname by which the C library requires it. */
  readonly #libraries = new Map<string, Library>();

  constructor(tree: PackageTree) {
    this.#tree = tree;
  }

  /** The libraries that all programs added so far need, sorted by path. */
  get parts(): Part[] {
    const byPath = new Map([...this.#libraries.values()].map(({ path, source }) => [path, { path, source }]));
    return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /**
   * Adds the libraries that `part` needs. Does nothing when `part` is not an ELF file.
   *
   * @throws StubferryError PACKAGE_MISSING: when a library is missing
   * @throws StubferryError UNFIT_PARTS: when a file is damaged, is for another processor, or lacks a required symbol
   *   version
   */
  async addFor(part: Part): Promise<void> {
    const bytes = await readFile(part.source);
    if (!isElf(bytes)) return;
    await this.#addDependencies(await this.#parse(part, bytes));
  }

  async #parse(part: Part, bytes: Buffer): Promise<Library> {
    const { file, dynamic, interpreter } = located(part.source, 0, () => {
      const parsed = parseElf(bytes);
      return { file: parsed, dynamic: dynamicSectionOf(parsed), interpreter: interpreterOf(parsed) };
    });
    if (file.machine !== EM_X86_64) throw unfit(part.source, 'a file for amd64', `machine ${file.machine}`);
    if (interpreter !== undefined) await this.#addLoader(interpreter, part);
    return { ...part, dynamic };
  }

  /** Adds the loader, which must exist at the path that the program names. */
  async #addLoader(interpreter: string, user: Part): Promise<void> {
    const soname = posix.basename(interpreter);
    if (this.#libraries.has(soname)) return;
    const path = merged(interpreter);
    const source = await this.#tree.find(path);
    if (source === undefined) throw this.#missing(interpreter, user);
    this.#libraries.set(soname, { path, source, dynamic: dynamicSectionOf(parseElf(await readFile(source))) });
  }

  async #addDependencies(user: Library): Promise<void> {
    for (const soname of user.dynamic.needed) {
      if (this.#libraries.has(soname)) continue;
      const part = await this.#search(soname, user);
      const library = await this.#parse(part, await readFile(part.source));
      this.#libraries.set(soname, library);
      await this.#addDependencies(library);
    }
    for (const { library: soname, version } of user.dynamic.requires) {
      const library = this.#libraries.get(soname);
      if (library?.dynamic.provides.includes(version) === true) continue;
      throw unfit(user.source, `${soname} with symbols of version ${version}`, library?.source ?? 'no such library');
    }
  }

  async #search(soname: string, user: Library): Promise<Part> {
    const own = user.dynamic.runpath.map((directory) => directory.replace(/\$\{?ORIGIN\}?/, posix.dirname(user.path)));
    for (const directory of [...own, ...DIRECTORIES]) {
      const path = merged(posix.join(directory, soname));
      const source = await this.#tree.find(path);
      if (source !== undefined) return { path, source };
    }
    throw this.#missing(soname, user);
  }

  #missing(soname: string, user: Part): StubferryError {
    return new StubferryError('PACKAGE_MISSING', 'a shared library is missing', {
      where: soname,
      expected: `in ${DIRECTORIES.join(', ')}, for ${user.path}`,
      hint: this.#tree.advice(`package with ${soname}`),
    });
  }
}

function unfit(where: string, expected: string, found: string): StubferryError {
  return new StubferryError('UNFIT_PARTS', 'a program or library of the image would not start', {
    where,
    expected,
    found,
    hint: 'all parts must come from one Debian release, and Node must be built for that release or an older one',
  });
}
