import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import { waitForDevice } from '../../support/agents/agent.js';
import { agentOf } from '../../support/cli/agents-of-pair.js';
import { feed } from '../../support/cli/feed.js';
import { documentOf, startStubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(60_000);

it('a state stays when the dom0 agent is killed after it has reported COMMITTED to the sender', async () => {
  const args = ['--json', 'save', '--opaque', '--raw', '-o', scratch.path('out'), '--peer-timeout', '20s'];
  const pair = startStubferry([...args, ...scratch.options], { stdin: 'pipe' });
  const [dom0, stubdom] = [await agentOf(pair, 'dom0'), await agentOf(pair, 'stubdom')];
  await delay(2000);
  await feed(pair.child.stdin, [Buffer.from('sta')], { keepOpen: true });
  await delay(500);
  // The stubdom agent writes END while the dom0 agent is stopped. Then the dom0 agent commits while the stubdom agent
  // is stopped.
  process.kill(dom0, 'SIGSTOP');
  await feed(pair.child.stdin, [Buffer.from('te')]);
  await delay(500);
  process.kill(stubdom, 'SIGSTOP');
  process.kill(dom0, 'SIGCONT');
  await waitForDevice(scratch.path('out'));
  await delay(300);
  process.kill(dom0, 'SIGKILL');
  process.kill(stubdom, 'SIGCONT');
  const ended = await pair.ended;
  expect(scratch.has('out')).toBe(true);
  expect((await scratch.bytes('out')).toString()).toBe('state');
  expect({ exit: ended.exit, ...documentOf<object>(ended) }).toMatchObject({ exit: 0, save: { bytes: 5 } });
});
