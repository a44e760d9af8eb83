/** A stubdom requests a disk and the service attaches it. A save and a restore use the files that libxl uses. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { REPLY_KEY } from '../../../src/formats/protocol/request.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { ServiceStage } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

const STATE = 'fixtures/device-states/pc-usb.xen.qevm';

describeWith(XENSTORED, 'the stubferry service', () => {
  let stage: ServiceStage;
  beforeEach(async () => {
    stage = await ServiceStage.open();
  });
  afterEach(() => stage.close());

  it('commits the state of a stubdom to qemu-save.<domid> of its target', async () => {
    await stage.service();
    const pair = await stage.pair(7, 3);
    const { exit, error } = await stage.stubdom(pair, '--source', STATE).end;
    expect([exit, error]).toEqual([0, undefined]);
    expect(readFileSync(stage.path('state/qemu-save.3')).equals(readFileSync(STATE))).toBe(true);
  });

  it('sends the state in qemu-resume.<domid> to a stubdom that requests it', async () => {
    await stage.service();
    const pair = await stage.pair(7, 3);
    writeFileSync(stage.path('state/qemu-resume.3'), readFileSync(STATE));
    const { exit, error } = await stage.stubdom(pair, '--sink', stage.path('restored')).end;
    expect([exit, error]).toEqual([0, undefined]);
    expect(readFileSync(stage.path('restored')).equals(readFileSync(STATE))).toBe(true);
  });

  it('replies with the transfer and the device, and leaves nothing in its directory', async () => {
    await stage.service();
    const pair = await stage.pair(7, 3);
    const agent = stage.stubdom(pair, '--source', STATE);
    await agent.end;
    const reply = await stage.xenstore.read(`/local/domain/7/${REPLY_KEY}`);
    const ready = agent.events.find(({ event }) => event === 'ready');
    expect(reply?.split(' ')).toEqual([
      'stubferry/1',
      'attached',
      expect.any(String),
      ready?.event === 'ready' ? ready.transfer : '',
      expect.stringContaining(stage.path('run')),
    ]);
    expect(await stage.remaining()).toEqual([]);
  });
});
