/** `stubferry verify` of what carries no checksum. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { MIGRATION_STREAM, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, stubferry } from '../../support/cli/run-stubferry.js';
import { COMPRESSED_SAVE, CONTEXT, saveFile, saveFileCutTo } from '../../support/cli/save-files.js';
import { useScratch } from '../../support/cli/scratch.js';
import { libvirtHead } from '../../support/libvirt-save/libvirt-bytes.js';

// Many processes, on a machine that may be busy.
jest.setTimeout(180_000);

const scratch = useScratch();
const verify = (file: string) => stubferry(['--json', 'verify', file]);

async function given(bytes: Uint8Array): Promise<string> {
  const path = scratch.path('guest.save');
  await writeFile(path, bytes);
  return path;
}

describe('stubferry verify of an xl save file', () => {
  const whole = {
    ...{ format: 'xl save file', checked: 'structure', bytes: 6674, sections: 22, split: 'inferred' },
    ...{ libxcRecords: 1027, pages: 2044 },
  };

  it('says that it is whole, and how far that is known: file, standard input, compressed', async () => {
    const path = await given(saveFile());
    expect(documentOf(await verify(path))).toEqual({ verified: { file: path, ...whole } });
    expect(documentOf(await verify(COMPRESSED_SAVE))).toEqual({ verified: { file: COMPRESSED_SAVE, ...whole } });
    const piped = await shell('cat guest.save | stubferry --json verify -', scratch.folder);
    expect(documentOf(piped)).toEqual({ verified: { file: '-', ...whole } });
    expect(`${(await stubferry(['verify', path])).stdout}`).toBe(
      `${path}: xl save file: whole: 1027 libxc records with 2044 pages, 6674 bytes (6.52 KiB) of device state in 22 sections, their ends inferred\n` +
        'It carries no checksum: that a byte within a page or a section has changed cannot be seen.\n',
    );
  });

  it.each<[string, Buffer, object]>([
    [
      'cut to four bytes, which Xen itself passes',
      saveFileCutTo(4),
      {
        exit: 12,
        code: 'TRUNCATED',
        message: 'the QEMU state ends within its header',
        offset: CONTEXT.offset + 4,
        found: '4 bytes',
      },
    ],
    [
      'cut in the middle',
      saveFileCutTo(3001),
      {
        exit: 12,
        code: 'TRUNCATED',
        message: 'the QEMU state does not end in its end mark',
        offset: CONTEXT.offset + 3001,
      },
    ],
    [
      'cut where it happens to end in 0x00',
      saveFileCutTo(6673),
      {
        ...{ exit: 12, code: 'TRUNCATED', message: 'the QEMU state was cut off' },
        offset: CONTEXT.offset + 6673,
      },
    ],
  ])('refuses one with an emulator context %s', async (_, bytes, expected) => {
    const path = await given(bytes);
    expect(failureOf(await verify(path))).toMatchObject({ ...expected, where: path });
  });

  it('names the place where it breaks off, from a pipe as well', async () => {
    const cut = saveFile().subarray(0, 9_000_000);
    const path = await given(cut);
    const expected = { exit: 12, code: 'TRUNCATED', message: 'the input ends too early', offset: 9_000_000 };
    expect(failureOf(await verify(path))).toMatchObject({ ...expected, where: path });
    const piped = await shell('cat guest.save | stubferry --json verify -', scratch.folder);
    expect(failureOf(piped)).toMatchObject({ ...expected, where: 'standard input' });
  });

  it('names the first thing that contradicts itself', async () => {
    const bytes = Buffer.from(saveFile());
    // The count of page frames in the first PAGE_DATA record.
    bytes.writeUInt32LE(1023, 3043 + 8 + 8);
    expect(failureOf(await verify(await given(bytes)))).toMatchObject({
      ...{ exit: 13, code: 'CORRUPT', message: 'a PAGE_DATA record of a wrong length', offset: 3043 + 8 + 4 },
    });
  });
});

describe('stubferry verify of a bare QEMU state', () => {
  it('says how its sections are known', async () => {
    expect(documentOf(await verify(XEN_STATE.path))).toEqual({
      verified: {
        file: XEN_STATE.path,
        format: 'QEMU state',
        checked: 'structure',
        bytes: 6674,
        sections: 22,
        split: 'inferred',
      },
    });
    expect(documentOf(await verify(MIGRATION_STREAM.path))).toMatchObject({
      verified: { checked: 'structure', bytes: MIGRATION_STREAM.bytes.length, split: 'description' },
    });
  });

  it('refuses one that is cut', async () => {
    expect(failureOf(await verify(await given(MIGRATION_STREAM.bytes.subarray(0, -10))))).toMatchObject({
      exit: 12,
      code: 'TRUNCATED',
    });
  });
});

describe('stubferry verify of a libvirt save file', () => {
  it('reads the stream in it', async () => {
    const path = await given(Buffer.concat([libvirtHead(), MIGRATION_STREAM.bytes]));
    expect(documentOf(await verify(path))).toMatchObject({
      verified: { file: path, format: 'libvirt save file', checked: 'structure', bytes: MIGRATION_STREAM.bytes.length },
    });
  });

  it('refuses one that libvirt did not finish, and one whose stream is cut', async () => {
    const part = Buffer.concat([libvirtHead({ magic: 'LibvirtQemudPart' }), MIGRATION_STREAM.bytes]);
    expect(failureOf(await verify(await given(part)))).toMatchObject({
      exit: 12,
      message: 'libvirt had not finished this save',
    });
    const cut = Buffer.concat([libvirtHead(), MIGRATION_STREAM.bytes.subarray(0, 100_000)]);
    expect(failureOf(await verify(await given(cut)))).toMatchObject({ exit: 12, code: 'TRUNCATED' });
  });
});
