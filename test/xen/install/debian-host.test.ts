/** Compares docs/how-to/debian-host.md with the lab. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../src/base/version.js';
import { DOM0_PACKAGES } from '../build/dom0-packages.js';
import { DOCUMENTED_MEBIBYTES, STUBDOM } from '../guests/stubdoms.js';
import { hvmConfig } from '../guests/xl-config.js';
import { HOST, INSTALL_UNIT, LOAD_BACKEND } from './dom0-agent.js';
import { BUILD_IMAGE, INSTALL_PROGRAM, PREFIX } from './package.js';

const page = readFileSync(new URL('../../../docs/how-to/debian-host.md', import.meta.url), 'utf8');
const commands = page
  .split('\n')
  .filter((line) => line.startsWith('    '))
  .map((line) => line.trim().replace(/ +# .*$/, ''));

describe('the page on setting up a Debian host', () => {
  it('installs only packages that are in the dom0 of the lab', () => {
    const named = commands.flatMap((line) => /^apt install (.*)$/.exec(line)?.[1]?.split(' ') ?? []);
    // The first one is Debian's metapackage for Xen.
    expect(named[0]).toBe('xen-system-amd64');
    expect(named.length).toBeGreaterThan(2);
    for (const name of named.slice(1)) expect(DOM0_PACKAGES).toContain(name);
  });

  it('installs stubferry as the lab does', () => {
    expect(commands).toContain(['npm', ...INSTALL_PROGRAM(PREFIX), `./stubferry-${VERSION}.tgz`].join(' '));
  });

  it('builds the image as the lab does, into the directory that the guests use', () => {
    const [program, ...rest] = BUILD_IMAGE('/usr/local/lib/stubferry');
    expect(commands).toContain(`stubferry ${[program, ...rest].join(' ')}`);
    expect(STUBDOM.kernel.startsWith('/usr/local/lib/stubferry/')).toBe(true);
  });

  it('starts the stubferry service as the lab does', () => {
    expect(commands).toEqual(expect.arrayContaining([LOAD_BACKEND, INSTALL_UNIT]));
  });

  it('contains the same xl.cfg lines for a stubdom as the guests of the lab', () => {
    const stubdom = { ...STUBDOM, mebibytes: DOCUMENTED_MEBIBYTES };
    const config = hvmConfig({ name: '', mebibytes: 1, serial: '', disks: [], stubdom }).split('\n');
    const documented = commands.filter((line) => /^(?:type|device_model|stubdomain)\w* = /.test(line));
    expect(documented).toHaveLength(7);
    expect(config).toEqual(expect.arrayContaining(documented));
    expect(config.filter((line) => /^(?:device_model|stubdomain)/.test(line)).sort()).toEqual(
      documented.filter((line) => !line.startsWith('type')).sort(),
    );
  });

  it('names the save hook that the lab uses', () => {
    expect(page).toContain(`LIBXL_SAVE_HELPER=${HOST}/save-helper xl save`);
  });
});
