/** `stubferry verify` of the formats without checksums. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { MIGRATION_STREAM, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, stubferry } from '../../support/cli/run-stubferry.js';
import { COMPRESSED_SAVE, CONTEXT, saveFile, saveFileTruncatedTo } from '../../support/cli/save-files.js';
import { useScratch } from '../../support/cli/scratch.js';
import { libvirtHead } from '../../support/libvirt-save/libvirt-bytes.js';

// The tests start many processes, and the machine may be busy.
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

  it('reports that the structure is valid: file, standard input, compressed', async () => {
    const path = await given(saveFile());
    expect(documentOf(await verify(path))).toEqual({ verified: { file: path, ...whole } });
    expect(documentOf(await verify(COMPRESSED_SAVE))).toEqual({ verified: { file: COMPRESSED_SAVE, ...whole } });
    const piped = await shell('cat guest.save | stubferry --json verify -', scratch.folder);
    expect(documentOf(piped)).toEqual({ verified: { file: '-', ...whole } });
    expect(`${(await stubferry(['verify', path])).stdout}`).toBe(
      `${path}: xl save file: structure OK: 1027 libxc records with 2044 pages, ` +
        '6674 bytes of device state in 22 sections (boundaries inferred)\n' +
        'The format has no checksums: a changed byte within a page or a section is not detected.\n',
    );
  });

  it.each<[string, Buffer, object]>([
    [
      'truncated to four bytes, which Xen itself accepts',
      saveFileTruncatedTo(4),
      {
        exit: 12,
        code: 'TRUNCATED',
        message: 'the QEMU state ends within its header',
        offset: CONTEXT.offset + 4,
        found: '4 bytes',
      },
    ],
    [
      'truncated in the middle',
      saveFileTruncatedTo(3001),
      {
        exit: 12,
        code: 'TRUNCATED',
        message: 'the QEMU state does not end in its end mark',
        offset: CONTEXT.offset + 3001,
      },
    ],
    [
      'truncated after a byte that is 0x00 by chance',
      saveFileTruncatedTo(6673),
      {
        ...{ exit: 12, code: 'TRUNCATED', message: 'the QEMU state is truncated' },
        offset: CONTEXT.offset + 6673,
      },
    ],
  ])('refuses an emulator context that is %s', async (_, bytes, expected) => {
    const path = await given(bytes);
    expect(failureOf(await verify(path))).toMatchObject({ ...expected, where: path });
  });

  it('reports the offset of a truncation, from a pipe as well', async () => {
    const path = await given(saveFile().subarray(0, 9_000_000));
    const expected = { exit: 12, code: 'TRUNCATED', message: 'the input is truncated', offset: 9_000_000 };
    expect(failureOf(await verify(path))).toMatchObject({ ...expected, where: path });
    const piped = await shell('cat guest.save | stubferry --json verify -', scratch.folder);
    expect(failureOf(piped)).toMatchObject({ ...expected, where: 'standard input' });
  });

  it('reports the first inconsistency', async () => {
    const bytes = Buffer.from(saveFile());
    // The count of page frames in the first PAGE_DATA record.
    bytes.writeUInt32LE(1023, 3043 + 8 + 8);
    expect(failureOf(await verify(await given(bytes)))).toMatchObject({
      ...{ exit: 13, code: 'CORRUPT', message: 'a PAGE_DATA record has the wrong length', offset: 3043 + 8 + 4 },
    });
  });
});

describe('stubferry verify of a bare QEMU state', () => {
  it('reports how the section boundaries are known', async () => {
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

  it('refuses a truncated state', async () => {
    expect(failureOf(await verify(await given(MIGRATION_STREAM.bytes.subarray(0, -10))))).toMatchObject({
      exit: 12,
      code: 'TRUNCATED',
    });
  });
});

describe('stubferry verify of a libvirt save file', () => {
  it('verifies the stream in it', async () => {
    const path = await given(Buffer.concat([libvirtHead(), MIGRATION_STREAM.bytes]));
    expect(documentOf(await verify(path))).toMatchObject({
      verified: { file: path, format: 'libvirt save file', checked: 'structure', bytes: MIGRATION_STREAM.bytes.length },
    });
  });

  it('refuses an unfinished file, and a file with a truncated stream', async () => {
    const unfinished = Buffer.concat([libvirtHead({ magic: 'LibvirtQemudPart' }), MIGRATION_STREAM.bytes]);
    expect(failureOf(await verify(await given(unfinished)))).toMatchObject({
      exit: 12,
      message: 'libvirt had not finished this save',
    });
    const truncated = Buffer.concat([libvirtHead(), MIGRATION_STREAM.bytes.subarray(0, 100_000)]);
    expect(failureOf(await verify(await given(truncated)))).toMatchObject({ exit: 12, code: 'TRUNCATED' });
  });
});
