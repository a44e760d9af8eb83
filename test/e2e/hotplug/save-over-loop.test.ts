/** Complete transfers over a real loop device (`--attach loop`). */
import { writeFileSync } from 'node:fs';
import { describe, expect, it, jest } from '@jest/globals';
import { listLoops } from '../../../src/blockdev-utils/index.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../support/blockdev-utils/as-root.js';
import { agentOf } from '../../support/cli/agents-of-pair.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { PatternState } from '../../support/cli/feed.js';
import { documentOf, failureOf, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { directoryIn, PLACES } from '../../support/hotplug/places.js';
import { until } from '../../support/qemu/behind-the-proxy.js';

const STATE = new PatternState(24 * 1024 * 1024 + 5);
jest.setTimeout(120_000);

describeWith([ROOT, LOOP_DEVICES], 'a transfer with --attach loop', () => {
  const scratch = useScratch({ mayLeave: true });

  for (const [kind, parent] of PLACES) {
    describe(`with a ${kind} backing`, () => {
      const pathIn = directoryIn(parent);
      /** The backing files of the attached loop devices in this test's directory. */
      const attached = async (): Promise<string[]> => {
        return (await listLoops()).map(({ file }) => file).filter((file) => file.startsWith(pathIn('')));
      };
      const options = (): string[] => ['--attach', 'loop', '--transfer-dir', pathIn(''), '--ring', '8M', '--opaque'];

      it('moves a state both ways with O_DIRECT, and leaves nothing attached', async () => {
        writeFileSync(scratch.path('state'), STATE.bytes());
        const [saved, restored] = [scratch.path('saved'), scratch.path('restored')];
        const save = ['--json', 'save', '-i', scratch.path('state'), '-o', saved, ...options()];
        expect(documentOf(await stubferry(save))).toMatchObject({ save: { sha256: STATE.sha256() } });
        const restore = ['--json', 'restore', saved, '-o', restored, ...options()];
        expect(documentOf(await stubferry(restore))).toMatchObject({ restore: { sha256: STATE.sha256() } });
        expect(sha256(await scratch.bytes('restored'))).toBe(STATE.sha256());
        expect(await attached()).toEqual([]);
      });

      it.each(['dom0', 'stubdom'])('detaches the disk when the %s agent is killed', async (name) => {
        const save = startStubferry([
          '--json',
          'save',
          '-i',
          scratch.fifo('quiet'),
          '-o',
          scratch.path('x'),
          ...options(),
        ]);
        await until('an attached disk', async () => (await attached()).length === 1);
        process.kill(await agentOf(save, name), 'SIGKILL');
        expect(failureOf(await save.ended)).toMatchObject({ exit: 50, code: 'AGENT_DIED' });
        expect(await attached()).toEqual([]);
      });
    });
  }
});
