/**
 * Makes a scripted QEMU write a state to the given file. Like the real QEMU, it opens the file by its path, with
 * O_CREAT.
 */
import { writeFile } from 'node:fs/promises';
import type { ReceivedCommand, Reply } from '../qmp/scripted-qemu.js';

/** Writes `state` to the file that the command names. */
export async function writeState({ args }: ReceivedCommand, state: Uint8Array | string): Promise<void> {
  await writeFile(String(args['filename']), state);
}

/** Writes the state, then replies with the result of `then`. */
export function savesBy(state: Uint8Array | string, then: Reply = () => ({})): Reply {
  return async (command, qemu) => {
    await writeState(command, state);
    return then(command, qemu);
  };
}
