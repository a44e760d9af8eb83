import { beforeEach, describe, expect, it } from '@jest/globals';
import { ForeseenFacts } from '../../src/agents/save-facts.js';
import { NIL_UUID } from '../../src/codec/uuid.js';
import { StubferryError } from '../../src/errors/index.js';
import type { Monitor } from '../../src/qmp/index.js';
import { refusal } from '../channel/disks.js';

const GIVEN = { targetUuid: NIL_UUID, targetDomid: 7, qemuVersion: '', machineType: '' };
const LATE = new StubferryError('QMP_TIMEOUT', "QEMU did not answer 'query-migrate'");
const OTHER: Monitor = { path: '/run/other.sock', qemuVersion: '', ask: () => Promise.reject(LATE) };

describe('what a save has to know of QEMU', () => {
  let asked: string[];
  /** What the next question is answered with, in place of what a machine that can be saved says. */
  let answers: (StubferryError | object)[];
  let facts: ForeseenFacts;

  const monitor: Monitor = {
    path: '/run/qmp.sock',
    qemuVersion: '7.2.22',
    ask: async (command) => {
      asked.push(command);
      const answer = answers.shift() ?? (command === 'qom-get' ? 'pc-i440fx-7.2-machine' : {});
      if (answer instanceof StubferryError) throw answer;
      return answer;
    },
  };

  beforeEach(() => {
    asked = [];
    answers = [];
    facts = new ForeseenFacts(GIVEN);
  });

  it('is asked when the guest is stopped, and not again for the save behind that', async () => {
    facts.foresee(monitor);
    const { savable, provenance } = facts.of({ monitor, afterStop: true });
    await savable;
    expect(await provenance).toEqual({ ...GIVEN, qemuVersion: '7.2.22', machineType: 'pc-i440fx-7.2' });
    expect(asked).toEqual(['query-migrate', 'qom-get']);
  });

  it.each([
    ['a save that is not right behind the stop', { monitor, afterStop: false }],
    ['a save on another connection', { monitor: { ...monitor }, afterStop: true }],
  ])('is asked anew for %s', async (_, request) => {
    facts.foresee(monitor);
    await facts.of(request).savable;
    expect(asked).toEqual(['query-migrate', 'qom-get', 'query-migrate', 'qom-get']);
  });

  it('is asked anew for the next save', async () => {
    facts.foresee(monitor);
    facts.of({ monitor, afterStop: true });
    await facts.of({ monitor, afterStop: true }).savable;
    expect(asked).toEqual(['query-migrate', 'qom-get', 'query-migrate', 'qom-get']);
  });

  it('is asked again when QEMU, busy with the stop, has not answered in time', async () => {
    answers = [LATE, LATE];
    facts.foresee(monitor);
    const { savable, provenance } = facts.of({ monitor, afterStop: true });
    await savable;
    expect((await provenance).machineType).toBe('pc-i440fx-7.2');
    expect(asked).toEqual(['query-migrate', 'qom-get', 'query-migrate', 'qom-get']);
  });

  it('keeps a machine from being asked for a state that it cannot save', async () => {
    const blocked = { 'blocked-reasons': ["non-migratable device '0000:00:04.0/nvme'"] };
    answers = [blocked, {}, blocked];
    facts.foresee(monitor);
    expect(await refusal(facts.of({ monitor, afterStop: true }).savable)).toMatchObject({ code: 'QEMU_UNSUITED' });
  });

  it('does not end the process when nobody asks for it any more', async () => {
    facts.foresee(OTHER);
    facts.of({ monitor: OTHER, afterStop: true });
    await new Promise(setImmediate);
  });
});
