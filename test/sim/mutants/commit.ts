/** Bugs in the commit. */
import { type Mutation, mutant } from '../build/mutations.js';

export const COMMIT: readonly Mutation[] = [
  mutant(
    'COMMITTED is said before the state is durable',
    'transfer/receiver.ts',
    '  await sink.commit(end);\n',
    '  sink.commit(end).catch(() => undefined);\n',
  ),
  mutant(
    'the file is not synced before it gets its name',
    'io/atomic-file.ts',
    'await this.#calls.sync(this.#file);',
    '',
  ),
  mutant(
    'the folder is not synced',
    'io/atomic-file.ts',
    'calls.unlink(this.#path), calls.sync(this.#directory)]);',
    'calls.unlink(this.#path)]);',
  ),
  mutant(
    'END is taken without its count of frames',
    'formats/protocol/state-digest.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a piece of source.
    "differs('count of data frames', `${declared.dataFrames}`, `${received.dataFrames}`);",
    '',
  ),
  mutant(
    'END is taken without its length',
    'formats/protocol/state-digest.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a piece of source.
    "differs('length', `${declared.stateBytes} bytes`, `${received.stateBytes} bytes`);",
    '',
  ),
  mutant(
    'END is taken without its chain',
    'formats/protocol/state-digest.ts',
    "differs('chain', declared.chain.toString(16), received.chain.toString(16));",
    '',
  ),
  mutant(
    'the xxh64 of the whole is not compared',
    'formats/protocol/state-digest.ts',
    "differs('xxh64', hex(declared.digests?.xxh64), hex(received.digests?.xxh64));",
    '',
  ),
  mutant(
    'the SHA-256 of the whole is not compared',
    'formats/protocol/state-digest.ts',
    "differs('SHA-256', hex(declared.digests?.sha256), hex(received.digests?.sha256));",
    '',
  ),
  mutant(
    'a failed transfer is not discarded',
    'transfer/receiver.ts',
    'if (await discarded(link, sink)) throw error;',
    'if (link.role !== undefined) throw error;',
  ),
  mutant(
    'the sink is not discarded when the sender begins anew',
    'transfer/receiver.ts',
    '      await sink.discard();\n      await reader.restart();',
    '      await reader.restart();',
  ),
  mutant(
    'what a partial write left is not written',
    'io/atomic-file.ts',
    'if (written < length) await this.#writeRest(chunks, written);',
    '',
  ),
];
