/** How a QEMU by script writes a state into the file that it is told: as the real one, it opens it by its path, with O_CREAT. */
import { writeFile } from 'node:fs/promises';
import type { Answer, Asked } from '../qmp/scripted-qemu.js';

/** Writes `state` into the file that the command names. */
export async function writeState({ args }: Asked, state: Uint8Array | string): Promise<void> {
  await writeFile(String(args['filename']), state);
}

/** Writes the state, and answers after that: the value that it returns, or what `then` makes of it. */
export function savesBy(state: Uint8Array | string, then: Answer = () => ({})): Answer {
  return async (asked, qemu) => {
    await writeState(asked, state);
    return then(asked, qemu);
  };
}
