import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { QevmSection } from '../../../src/formats/qevm/index.js';
import { DEVICE_STATE, MIGRATION_STREAM, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { capturedState } from '../../support/qevm/all-states.js';
import { deviceState } from '../../support/qevm/handmade-state.js';

const scratch = useScratch();
const XL_SAVE = new URL('../../../fixtures/xl-save/xen-minimal.xlsave.xz', import.meta.url).pathname;

interface Inspected {
  readonly inspect: {
    readonly split: string;
    readonly sections: readonly QevmSection[];
    readonly section: QevmSection & { readonly hex?: string; readonly fields?: unknown };
  };
}

async function inspect(...args: string[]): Promise<Inspected['inspect']> {
  return documentOf<Inspected>(await stubferry(['--json', 'inspect', ...args])).inspect;
}

const textOf = async (...args: string[]): Promise<string> => (await stubferry(['inspect', ...args])).stdout.toString();

describe('stubferry inspect lists', () => {
  it('the sections of a bare state, and reports that their boundaries are inferred', async () => {
    const { split, sections } = await inspect(XEN_STATE.path);
    expect(split).toBe('inferred');
    expect(sections).toHaveLength(22);
    expect(sections[12]).toEqual({
      ...{ index: 12, id: 15, name: 'serial', instance: 0, version: 3, type: 'full' },
      ...{ offset: 3665, length: 60, bodyOffset: 3685, bodyLength: 40, xxh64: '662b5a630d5664bf' },
      ...{ inferred: true, alternatives: [] },
    });
  });

  it('the same sections for a statefile', async () => {
    const path = scratch.path('statefile');
    await stubferry(['save', '-i', XEN_STATE.path, '-o', path, ...scratch.options]);
    expect((await inspect(path)).sections).toEqual((await inspect(XEN_STATE.path)).sections);
  });

  it('the same sections for the emulator context of an xl save file', async () => {
    expect((await inspect(XL_SAVE)).sections).toEqual((await inspect(XEN_STATE.path)).sections);
  });

  it('no sections with --brief', async () => {
    expect(await inspect('--brief', DEVICE_STATE.path)).not.toHaveProperty('sections');
  });

  it('the sections in a table with a bar for their size, and RAM in one line', async () => {
    const text = await textOf(MIGRATION_STREAM.path);
    expect(text).toMatch(/^section boundaries +known from the description$/m);
    expect(text).toMatch(/^ *2 +ram +0 +4 +26 +84\d{5} +#{24} +in 3 chunks$/m);
    expect(text).toMatch(/^ *16 +i8259 +1 +1 +\d+ +40 +\.$/m);
  });

  it('section names with control characters escaped', async () => {
    const path = scratch.path('state');
    const hostile = deviceState([{ id: 0, name: 'timer', body: 't' }]);
    hostile.set(Buffer.from('\u009b2J'), hostile.indexOf('imer'));
    await writeFile(path, hostile);
    expect(failureOf(await stubferry(['--json', 'inspect', path]))).toMatchObject({ exit: 13, code: 'CORRUPT' });
    const { stdout } = await stubferry(['--json', 'inspect', path]);
    expect(stdout.includes(0x9b)).toBe(false);
  });
});

describe('stubferry inspect --section', () => {
  it('shows the bytes of a section', async () => {
    const text = await textOf(XEN_STATE.path, '--section', 'serial');
    expect(text).toMatch(/^body +40 bytes at 3685 \(end inferred\)$/m);
    expect(text).toContain('000010  69 61 6c 2f 70 6f 6c 6c 00 00 00 01 00 00 00 00  |ial/poll........|\n');
    const { section } = await inspect(XEN_STATE.path, '--section', 'serial');
    expect(section.hex).toBe(XEN_STATE.bytes.subarray(3685, 3725).toString('hex'));
  });

  it('shows the fields of a section where the state has a description', async () => {
    const text = await textOf(MIGRATION_STREAM.path, '--section', 'i8254');
    expect(text).toMatch(/^channels\[0\]\n {2}count {2}0x00010000 = 65536 {2}\(int32\)$/m);
    const { section } = await inspect(MIGRATION_STREAM.path, '--section', 'i8254');
    expect(section.fields).toMatchObject({ 'channels[0].irq_disabled': '0x00000000' });
  });

  it('shows the bytes of such a section with --hex', async () => {
    const { section } = await inspect(MIGRATION_STREAM.path, '--section', 'i8254', '--hex');
    expect(section.hex).toHaveLength(2 * 108);
    expect(section).not.toHaveProperty('fields');
  });

  it.each([
    ['0000:00:01.1/ide', '0000:00:01.1/ide', 0],
    ['ide', '0000:00:01.1/ide', 0],
    ['ide:0', '0000:00:01.1/ide', 0],
    ['0000:00:01.1/ide:0', '0000:00:01.1/ide', 0],
    ['dma:1', 'dma', 1],
    ['10', 'dma', 1],
  ])('accepts %s as a section name', async (wanted, name, instance) => {
    expect((await inspect(XEN_STATE.path, '--section', wanted)).section).toMatchObject({ name, instance });
  });

  it('refuses an unknown name, and lists the existing ones', async () => {
    expect(failureOf(await stubferry(['--json', 'inspect', XEN_STATE.path, '--section', 'vga']))).toMatchObject({
      exit: 86,
      code: 'NOT_IN_INPUT',
      message: 'no section is called vga',
      found: expect.stringMatching(/^timer \(0\), cpu_common \(3\), .* 0000:00:02\.0\/platform \(32\)$/),
    });
  });

  it('refuses an ambiguous name, and lists the ids', async () => {
    await writeFile(scratch.path('state'), capturedState('isapc.xen'));
    const ended = await stubferry(['--json', 'inspect', scratch.path('state'), '--section', 'isa-ide']);
    expect(failureOf(ended)).toMatchObject({
      exit: 86,
      message: 'more than one section is called isa-ide',
      found: 'isa-ide (20), isa-ide (21)',
    });
  });

  it('refuses RAM', async () => {
    expect(failureOf(await stubferry(['--json', 'inspect', MIGRATION_STREAM.path, '--section', 'ram']))).toMatchObject({
      exit: 86,
      message: 'the contents of RAM cannot be shown',
    });
  });

  it('cannot be used with --brief, and --hex requires it', async () => {
    for (const args of [['--brief', '--section', 'ide'], ['--hex']]) {
      const ended = await stubferry(['--json', 'inspect', XEN_STATE.path, ...args]);
      expect(failureOf(ended)).toMatchObject({ exit: 2, code: 'USAGE' });
    }
  });
});
