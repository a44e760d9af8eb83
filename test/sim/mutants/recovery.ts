/** Bugs in the recovery in dom0. */
import { type Mutation, mutant } from '../build/mutations.js';

export const RECOVERY: readonly Mutation[] = [
  mutant(
    'a recovery deletes a file that was acknowledged',
    'service/orphans.ts',
    "if (journal?.acknowledged === true || phase === 'committed') return true;",
    '',
  ),
  mutant(
    'a recovery leaves a file that was not acknowledged',
    'service/orphans.ts',
    'if (isPublished && !mayBeAcknowledged)',
    'if (isPublished && mayBeAcknowledged)',
  ),
  mutant(
    'a recovery does not look at the disk, only into the journal',
    'service/orphans.ts',
    "journal?.acknowledged === true || phase === 'committed'",
    'journal?.acknowledged === true',
  ),
  mutant(
    'a recovery does not detach',
    'service/orphans.ts',
    'for (const attachment of attachments) found.push(orphanedAttachment(attachment, transfer, driver));',
    '',
  ),
];
