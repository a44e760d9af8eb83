/** Only the device model of a target gets a disk. The service trusts keys of dom0 and no statement of the domain. */
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
import { type Pair, ServiceStage, untilReplied } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

describeWith(XENSTORED, 'the stubferry service, on a request for a disk', () => {
  let stage: ServiceStage;
  beforeEach(async () => {
    stage = await ServiceStage.open();
    await stage.service();
  });
  afterEach(() => stage.close());

  /** Writes a request with the permissions of the domain, and returns the reply. */
  async function request({ xenbus, stubdom }: Pair, text?: string): Promise<DiskReply> {
    const domain = await XenstoreClient.connect({ path: xenbus });
    const nonce = randomUUID();
    await domain.write(REQUEST_KEY, (text ?? encodeDiskRequest({ direction: 'save', nonce })).replace('NONCE', nonce));
    const reply = await untilReplied(stage, stubdom, nonce);
    await domain.close();
    return decodeReply(reply, REPLY_KEY);
  }

  const refusal = (reason: string) => ({ verdict: 'refused', code: 'NOT_A_DEVICE_MODEL', reason });
  const NOT_A_DEVICE_MODEL = 'this domain is not the device model of a target';

  it('attaches one to the device model of a target', async () => {
    expect(await request(await stage.pair(7, 3))).toMatchObject({ verdict: 'attached' });
  });

  it('refuses a domain that has no target', async () => {
    const pair = await stage.pair(7, 3);
    await stage.xenstore.remove('/local/domain/7/target');
    expect(await request(pair)).toMatchObject(
      refusal(`${NOT_A_DEVICE_MODEL}; expected a key that the toolstack wrote; found nothing`),
    );
  });

  it('refuses a domain whose target has another device model', async () => {
    const pair = await stage.pair(7, 3);
    await stage.xenstore.write('/local/domain/3/image/device-model-domid', '8');
    expect(await request(pair)).toMatchObject(
      refusal(
        `${NOT_A_DEVICE_MODEL}; expected a target whose device model is domain 7; found target 3, whose device model is domain 8`,
      ),
    );
  });

  it('refuses a domain whose target is dom0', async () => {
    const pair = await stage.pair(7, 3);
    await stage.xenstore.write('/local/domain/7/target', '0');
    await stage.xenstore.write('/local/domain/0/image/device-model-domid', '7');
    expect(await request(pair)).toMatchObject({ verdict: 'refused', code: 'NOT_A_DEVICE_MODEL' });
  });

  it.each(['/local/domain/7/target', '/local/domain/3/image/device-model-domid', '/local/domain/3/vm'])(
    'refuses %s when a domain other than dom0 can write it',
    async (key) => {
      const pair = await stage.pair(7, 3);
      for (const permissions of [
        { owner: 7, domains: [] },
        { owner: 0, domains: [{ domid: 3, read: true, write: true }] },
        { owner: 0, others: { read: true, write: true }, domains: [] },
      ]) {
        await stage.xenstore.setPermissions(key, permissions);
        expect(await request(pair)).toMatchObject(
          refusal(
            `${NOT_A_DEVICE_MODEL}; expected a key that only dom0 can write; found a key that another domain can write`,
          ),
        );
      }
    },
  );

  it('refuses a request of another version and reports both versions', async () => {
    const pair = await stage.pair(7, 3);
    expect(await request(pair, 'stubferry/2 save NONCE with more')).toMatchObject({
      verdict: 'refused',
      code: 'UNSUPPORTED_VERSION',
      reason: 'dom0 and the stubdom use different protocol versions; expected stubferry/1; found stubferry/2',
    });
  });

  it('refuses to restore a target that the toolstack does not restore', async () => {
    const pair = await stage.pair(7, 3);
    expect(await request(pair, 'stubferry/1 restore NONCE')).toMatchObject({
      verdict: 'refused',
      code: 'INPUT_UNREADABLE',
    });
    expect(await stage.remaining()).toEqual([]);
  });

  it('serves a request that was written before the service started', async () => {
    const pair = await stage.pair(7, 3);
    await stage.stopService();
    const domain = await XenstoreClient.connect({ path: pair.xenbus });
    const nonce = randomUUID();
    await domain.write(REQUEST_KEY, encodeDiskRequest({ direction: 'save', nonce }));
    await stage.service();
    expect(await untilReplied(stage, 7, nonce)).toContain('attached');
    await domain.close();
  });
});
