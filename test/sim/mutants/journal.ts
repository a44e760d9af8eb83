/** Bugs in the journal. */
import { type Mutation, mutant } from '../build/mutations.js';

export const JOURNAL: readonly Mutation[] = [
  mutant(
    'what was published is not journaled before',
    'service/service-transfer.ts',
    "if (event.event === 'publishing') this.#directory?.note({ published: event.file });",
    '',
  ),
  mutant(
    'a journal is written over the one before',
    'service/transfer-directory.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a piece of source.
    '      writeFileSync(`${path}.new`, JSON.stringify(this.#journal), { mode: 0o600 });\n      renameSync(`${path}.new`, path);',
    '      writeFileSync(path, JSON.stringify(this.#journal), { mode: 0o600 });',
  ),
  mutant(
    'the journal does not say where the state goes',
    'service/service-transfer.ts',
    '...(save ? { destination: path } : {})',
    '...{}',
  ),
];
