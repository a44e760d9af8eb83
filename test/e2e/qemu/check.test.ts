/** The findings of `stubferry check` against the behaviour of QEMU. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { checkAgainst, readQevm, readVmstateDump } from '../../../src/formats/qevm/index.js';
import { probeQemu } from '../../../src/qemu/index.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { documentOf, failureOf, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { QEMU } from '../../support/qemu/command-line.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { CAPTURED, fixtureBytes } from '../../support/qevm/all-states.js';

/** The command lines of the captured states, from the manifest of the fixtures. */
interface Captured {
  readonly name: string;
  readonly commandLine: readonly string[];
}

const COMMAND_LINES = new Map(
  (JSON.parse(fixtureBytes('manifest.json').toString()) as Captured[]).map(({ name, commandLine }) => [
    name,
    commandLine,
  ]),
);

/** The arguments without the files that a capture creates: firmware and RAM, which add no devices. */
function argumentsOf(name: string): string[] {
  const line = COMMAND_LINES.get(name) ?? [];
  return line.filter((argument, index) => {
    const isFile = [argument, line[index + 1]].some((text) => /\.bin\b/.test(text ?? ''));
    return !isFile && argument !== '-display' && line[index - 1] !== '-display';
  });
}

const fixture = (file: string): string => fileURLToPath(new URL(`../../../fixtures/${file}`, import.meta.url));
const signal = new AbortController().signal;
const DEFAULT_PC = fixture('device-states/pc-default.xen.qevm.gz');

/** In milliseconds. Each check starts QEMU three times, and the host may be slow. */
const TIMEOUT_MS = 180_000;

interface Document {
  readonly check: {
    readonly against: readonly {
      readonly name: string;
      readonly loads: boolean;
      readonly findings: readonly Found[];
    }[];
  };
}
interface Found {
  readonly verdict: string;
  readonly subject: string;
  readonly problem: string;
}

describeWith([A_QEMU], 'stubferry check against a QEMU program', () => {
  const scratch = useScratch();

  it.each(CAPTURED.filter(({ name }) => /\.xen$|^(?:pc-default|pc-usb|q35-smp4)\.description$/.test(name)))(
    'reports no finding for $name against the machine that wrote it',
    async ({ name, file, machine }) => {
      const probed = await probeQemu(QEMU, { machine, args: argumentsOf(name), signal });
      const { sections } = readQevm(probed.state, QEMU);
      const dump = readVmstateDump(probed.dump, QEMU);
      const destination = { name: QEMU, machine: dump.machine, dump, sections, addable: undefined };
      const { loads, findings } = checkAgainst(readQevm(fixtureBytes(file), name), destination);
      expect([loads, findings]).toEqual([true, []]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds devices that another machine type lacks, and QEMU refuses the state',
    async () => {
      const check = [
        '--json',
        'check',
        DEFAULT_PC,
        '--against',
        QEMU,
        '--machine',
        'isapc',
        '--machine',
        'pc-i440fx-7.2',
      ];
      const ended = await stubferry(check);
      expect(ended.exit).toBe(81);
      const [isapc, pc] = documentOf<Document>(ended).check.against;
      expect(isapc).toMatchObject({ name: `${QEMU} -M isapc`, loads: false });
      expect(isapc?.findings).toContainEqual(
        expect.objectContaining({
          verdict: 'refused',
          subject: '0000:00:01.0/PIIX3',
          problem: 'the destination has no such device',
        }),
      );
      // The missing devices can be added to the bare machine.
      expect(pc).toMatchObject({ name: `${QEMU} -M pc-i440fx-7.2`, loads: true });
      const verdicts = pc?.findings.map(({ verdict, subject }) => `${verdict} ${subject}`);
      expect(verdicts).toContain('needed 0000:00:03.0/e1000');
      const state = scratch.path('state');
      await writeFile(state, fixtureBytes('device-states/pc-default.xen.qevm.gz'));
      expect(whyNotLoaded(state, ['-M', 'isapc'])).toMatch(/Unknown savevm section or instance/);
    },
    TIMEOUT_MS,
  );

  it(
    'finds a newer version of a section, and QEMU refuses the state',
    async () => {
      const bytes = Buffer.from(readFileSync(fixture('device-states/pc-minimal.xen.qevm')));
      bytes[bytes.indexOf('i8254') + 5 + 4 + 3] = 9;
      const state = scratch.path('newer');
      await writeFile(state, bytes);
      for (const machine of ['pc-i440fx-7.2', 'pc-q35-7.2']) {
        const ended = await stubferry(['--json', 'check', state, '--against', QEMU, '--machine', machine]);
        expect(ended.exit).toBe(81);
        expect(documentOf<Document>(ended).check.against[0]?.findings).toContainEqual(
          expect.objectContaining({ subject: 'i8254', problem: "version 9, newer than the destination's 3" }),
        );
      }
      expect(whyNotLoaded(state, ['-M', 'pc-i440fx-7.2', '-nodefaults'])).toMatch(
        /unsupported version 9 for 'i8254' v3/,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'uses the other arguments of the destination',
    async () => {
      const check = (...args: string[]) => {
        const state = fixture('device-states/pc-e1000.xen.qevm.gz');
        return stubferry(['--json', 'check', state, '--against', QEMU, '--machine', 'pc-i440fx-7.2', '--', ...args]);
      };
      expect((await check('-nodefaults', '-device', 'e1000')).exit).toBe(0);
      const ended = await check('-nodefaults', '-device', 'e1000,addr=7');
      expect(ended.exit).toBe(81);
      expect(documentOf<Document>(ended).check.against[0]?.findings).toMatchObject([
        { verdict: 'refused', problem: 'the destination has no such device; it has 0000:00:07.0/e1000' },
        { verdict: 'lost', subject: '0000:00:07.0/e1000' },
      ]);
    },
    TIMEOUT_MS,
  );

  it(
    "reports QEMU's error when QEMU does not start or its machine cannot be saved",
    async () => {
      const probe = (...args: string[]) => stubferry(['--json', 'check', DEFAULT_PC, '--against', QEMU, ...args]);
      expect(failureOf(await probe('--machine', 'no-such-machine'))).toMatchObject({
        exit: 83,
        code: 'PROBE_FAILED',
        found: expect.stringContaining('unsupported machine type'),
      });
      const disk = ['-blockdev', 'driver=null-co,node-name=d,size=1048576', '-device', 'nvme,drive=d,serial=1'];
      expect(failureOf(await probe('--machine', 'pc-i440fx-7.2', '--', '-nodefaults', ...disk))).toMatchObject({
        exit: 83,
        code: 'PROBE_FAILED',
        found: expect.stringContaining('a device whose state QEMU cannot save'),
      });
    },
    TIMEOUT_MS,
  );
});

/** QEMU's error output when it loads a state in the format used under Xen. */
function whyNotLoaded(state: string, machine: readonly string[]): string {
  const settings = ['send-configuration=off', 'send-section-footer=off', 'store-global-state=off'];
  const globals = settings.flatMap((setting) => ['-global', `migration.${setting}`]);
  const incoming = ['-display', 'none', '-S', '-incoming', `exec:cat ${state}`];
  try {
    execFileSync(QEMU, [...machine, '-accel', 'tcg', '-m', '8', ...globals, '-global', 'apic.vapic=off', ...incoming], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 60_000,
    });
  } catch (error) {
    return String((error as { readonly stderr?: Buffer }).stderr);
  }
  throw new Error('QEMU has loaded the state');
}
