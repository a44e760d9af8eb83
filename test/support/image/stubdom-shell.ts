/**
 * Runs the scripts of the stubdom in busybox's shell, with files in place of xenstore and a script in place of QEMU.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUSYBOX, isReadable } from '../qemu/linux-guest.js';

export const A_BUSYBOX = { what: `${BUSYBOX} (apt install busybox-static)`, isThere: isReadable(BUSYBOX) };

const SCRIPTS = fileURLToPath(new URL('../../../src/image/stubdom/', import.meta.url));

/** `xenstore-read PATH...`: prints files with the output of the real program. */
const READ = `for path; do cat "$STORE/read$path" || exit 1; done\n`;
/** `xenstore-list PATH`: prints a file with the output of the real program. */
const LIST = `cat "$STORE/list$1"\n`;
/** Writes each of its arguments, followed by a NUL. */
const QEMU = `for argument; do printf '%s\\0' "$argument"; done\n`;

/** Escapes a value as the client of Xen 4.17 prints it (tools/xenstore/xenstore_client.c, sanitise_value). */
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

/** A shell with the functions of the stubdom's scripts. */
export class StubdomShell {
  readonly #directory: string;

  /** @param directory an empty directory for the test's files */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(join(directory, 'bin'));
    for (const [name, script] of Object.entries({ 'xenstore-read': READ, 'xenstore-list': LIST, qemu: QEMU }))
      writeFileSync(join(directory, 'bin', name), `#!${BUSYBOX} sh\n${script}`, { mode: 0o755 });
  }

  /** Stores a device model's arguments as libxl does. @returns their directory in xenstore */
  storeArguments(values: readonly Buffer[]): string {
    const path = '/vm/1/image/dm-argv';
    for (const kind of ['read', 'list']) {
      rmSync(join(this.#directory, kind), { recursive: true, force: true });
      mkdirSync(join(this.#directory, kind, path), { recursive: true });
    }
    const keys = values.map((_, index) => `${index + 1}`.padStart(3, '0'));
    rmSync(join(this.#directory, 'list', path), { recursive: true });
    // xenstored does not list keys in numerical order.
    writeFileSync(
      join(this.#directory, 'list', path),
      [...keys]
        .reverse()
        .map((key) => `${key}\n`)
        .join(''),
    );
    for (const [index, value] of values.entries())
      writeFileSync(join(this.#directory, 'read', path, keys[index] ?? ''), `${escaped(value)}\n`);
    return path;
  }

  /** Sources the scripts of the stubdom, and then runs `script`. @returns its output */
  run(script: string): Buffer {
    const scripts = ['report.sh', 'dm-argv.sh', 'devices.sh', 'qemu.sh'].map((name) => `. '${join(SCRIPTS, name)}'`);
    const settings = `QMP=/run/qemu.sock INCOMING=/run/incoming.sock QEMU='${join(this.#directory, 'bin/qemu')}'`;
    const text = [...scripts, settings, script].join('\n');
    const path = `${join(this.#directory, 'bin')}:${process.env['PATH']}`;
    return execFileSync(BUSYBOX, ['sh', '-c', text], {
      env: { PATH: path, STORE: this.#directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
