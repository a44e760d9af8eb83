/** Runs the scripts of the stubdom in the shell that they run in there, with a xenstore and a QEMU that are made of files. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUSYBOX, isReadable } from '../qemu/linux-guest.js';

export const A_BUSYBOX = { what: `${BUSYBOX} (apt install busybox-static)`, isThere: isReadable(BUSYBOX) };

const SCRIPTS = fileURLToPath(new URL('../../../src/image/stubdom/', import.meta.url));

/** `xenstore-read PATH...` and `xenstore-list PATH`: files with what the real ones print. */
const READ = `for path; do cat "$STORE/read$path" || exit 1; done\n`;
const LIST = `cat "$STORE/list$1"\n`;
/** Writes each argument that it got, with a NUL behind it. */
const QEMU = `for argument; do printf '%s\\0' "$argument"; done\n`;

/** As the client of Xen 4.17 prints a value (tools/xenstore/xenstore_client.c, sanitise_value). */
export function escaped(value: Buffer): string {
  return [...value]
    .map((byte) => {
      if (byte >= 0x20 && byte <= 0x7e && byte !== 0x5c) return String.fromCharCode(byte);
      const names: Readonly<Record<number, string>> = { 9: 't', 10: 'n', 13: 'r', 92: '\\' };
      const name = names[byte];
      if (name !== undefined) return `\\${name}`;
      return byte < 0o10 ? `\\${byte.toString(8).padStart(3, '0')}` : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

export class StubdomShell {
  readonly #folder: string;

  /** @param folder an empty one, gone after the test */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, 'bin'));
    for (const [name, script] of Object.entries({ 'xenstore-read': READ, 'xenstore-list': LIST, qemu: QEMU }))
      writeFileSync(join(folder, 'bin', name), `#!${BUSYBOX} sh\n${script}`, { mode: 0o755 });
  }

  /** Puts a device model's arguments where libxl puts them. @returns their folder in xenstore */
  giveArguments(values: readonly Buffer[]): string {
    const path = '/vm/1/image/dm-argv';
    for (const kind of ['read', 'list']) {
      rmSync(join(this.#folder, kind), { recursive: true, force: true });
      mkdirSync(join(this.#folder, kind, path), { recursive: true });
    }
    const keys = values.map((_, index) => `${index + 1}`.padStart(3, '0'));
    rmSync(join(this.#folder, 'list', path), { recursive: true });
    // xenstored lists keys in an order of its own.
    writeFileSync(
      join(this.#folder, 'list', path),
      [...keys]
        .reverse()
        .map((key) => `${key}\n`)
        .join(''),
    );
    for (const [index, value] of values.entries())
      writeFileSync(join(this.#folder, 'read', path, keys[index] ?? ''), `${escaped(value)}\n`);
    return path;
  }

  /** Runs `script` after the scripts of the stubdom were read. @returns its output */
  run(script: string): Buffer {
    const scripts = ['report.sh', 'dm-argv.sh', 'devices.sh', 'qemu.sh'].map((name) => `. '${join(SCRIPTS, name)}'`);
    const settings = `QMP=/run/qemu.sock INCOMING=/run/incoming.sock QEMU='${join(this.#folder, 'bin/qemu')}'`;
    const text = [...scripts, settings, script].join('\n');
    const path = `${join(this.#folder, 'bin')}:${process.env['PATH']}`;
    return execFileSync(BUSYBOX, ['sh', '-c', text], {
      env: { PATH: path, STORE: this.#folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
