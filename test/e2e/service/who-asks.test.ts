/** Only a target's device model gets a disk, as dom0 itself has laid it down; what a domain says of itself counts for nothing. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  type DiskReply,
  decodeReply,
  encodeDiskRequest,
  REPLY_KEY,
  REQUEST_KEY,
} from '../../../src/formats/protocol/request.js';
import { XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { type Pair, ServiceStage, untilAnswered } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

describeWith(XENSTORED, "dom0's agent, asked for a disk", () => {
  let stage: ServiceStage;
  beforeEach(async () => {
    stage = await ServiceStage.open();
    await stage.service();
  });
  afterEach(() => stage.close());

  /** What the domain is answered; it asks as its own kernel lets it. */
  async function asking({ xenbus, stubdom }: Pair, request?: string): Promise<DiskReply> {
    const domain = await XenstoreClient.connect({ path: xenbus });
    const nonce = randomUUID();
    await domain.write(
      REQUEST_KEY,
      (request ?? encodeDiskRequest({ direction: 'save', nonce })).replace('NONCE', nonce),
    );
    const answer = await untilAnswered(stage, stubdom, nonce);
    await domain.close();
    return decodeReply(answer, REPLY_KEY);
  }

  const refusal = (reason: string) => ({ verdict: 'refused', code: 'NOT_A_DEVICE_MODEL', reason });
  const NOT_ONE = "this domain is no target's device model";

  it('gives one to the device model of a target', async () => {
    expect(await asking(await stage.pair(7, 3))).toMatchObject({ verdict: 'attached' });
  });

  it('refuses a domain that has no target', async () => {
    const pair = await stage.pair(7, 3);
    await stage.xenstore.remove('/local/domain/7/target');
    expect(await asking(pair)).toMatchObject(
      refusal(`${NOT_ONE}; expected a key that the toolstack has written; found nothing`),
    );
  });

  it('refuses a domain that is not the one which its target names', async () => {
    const pair = await stage.pair(7, 3);
    await stage.xenstore.write('/local/domain/3/image/device-model-domid', '8');
    expect(await asking(pair)).toMatchObject(
      refusal(
        `${NOT_ONE}; expected a target whose device model is domain 7; found target 3, whose device model is domain 8`,
      ),
    );
  });

  it('refuses a domain whose target is dom0', async () => {
    const pair = await stage.pair(7, 3);
    await stage.xenstore.write('/local/domain/7/target', '0');
    await stage.xenstore.write('/local/domain/0/image/device-model-domid', '7');
    expect(await asking(pair)).toMatchObject({ verdict: 'refused', code: 'NOT_A_DEVICE_MODEL' });
  });

  it.each(['/local/domain/7/target', '/local/domain/3/image/device-model-domid', '/local/domain/3/vm'])(
    'does not believe %s when a domain other than dom0 can write it',
    async (key) => {
      const pair = await stage.pair(7, 3);
      for (const permissions of [
        { owner: 7, domains: [] },
        { owner: 0, domains: [{ domid: 3, read: true, write: true }] },
        { owner: 0, others: { read: true, write: true }, domains: [] },
      ]) {
        await stage.xenstore.setPermissions(key, permissions);
        expect(await asking(pair)).toMatchObject(
          refusal(`${NOT_ONE}; expected a key that dom0 alone can write; found one that another domain can write`),
        );
      }
    },
  );

  it('refuses a request of another version with a sentence that says both', async () => {
    const pair = await stage.pair(7, 3);
    expect(await asking(pair, 'stubferry/2 save NONCE with more')).toMatchObject({
      verdict: 'refused',
      code: 'UNSUPPORTED_VERSION',
      reason: 'dom0 and the stubdom speak different versions of stubferry; expected stubferry/1; found stubferry/2',
    });
  });

  it('refuses to restore for a target that the toolstack does not restore', async () => {
    const pair = await stage.pair(7, 3);
    expect(await asking(pair, 'stubferry/1 restore NONCE')).toMatchObject({
      verdict: 'refused',
      code: 'INPUT_UNREADABLE',
    });
    expect(await stage.left()).toEqual([]);
  });

  it('serves a request that was written before it ran', async () => {
    const pair = await stage.pair(7, 3);
    await stage.stopService();
    const domain = await XenstoreClient.connect({ path: pair.xenbus });
    const nonce = randomUUID();
    await domain.write(REQUEST_KEY, encodeDiskRequest({ direction: 'save', nonce }));
    await stage.service();
    expect(await untilAnswered(stage, 7, nonce)).toContain('attached');
    await domain.close();
  });
});
