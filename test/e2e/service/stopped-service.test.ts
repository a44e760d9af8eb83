/**
 * The service is stopped while a disk is attached to a stubdom. The service needs its connection to xenstore until the
 * disk is detached.
 */
import { expect, it, jest } from '@jest/globals';
import { XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../support/blockdev-utils/as-root.js';
import { stubferry } from '../../support/cli/run-stubferry.js';
import { startBackend, startFrontend } from '../../support/hotplug/block-kernels.js';
import { loopsOver } from '../../support/hotplug/xen-stage.js';
import { ServiceStage } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

const STUBDOM = 7;
const TARGET = 3;
const BACKENDS = `/local/domain/0/backend/vbd/${STUBDOM}`;

jest.setTimeout(60_000);

describeWith([ROOT, LOOP_DEVICES, ...XENSTORED], 'the stubferry service with --attach xen', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('detaches the attached disks on %s', async (signal) => {
    const stage = await ServiceStage.open();
    try {
      const { xenbus } = await stage.pair(STUBDOM, TARGET);
      const devices = `/local/domain/${STUBDOM}/device`;
      await stage.xenstore.mkdir(devices);
      const readable = { owner: 0, domains: [{ domid: STUBDOM, read: true, write: false }] };
      await stage.xenstore.setPermissions(devices, readable);
      const stubdomXenstore = await XenstoreClient.connect({ path: xenbus });
      const kernels = [await startBackend(stage.xenstore, STUBDOM), await startFrontend(stubdomXenstore)];
      const service = await stage.service('--attach', 'xen');
      const { exit, stderr } = await stubferry(['prepare', `${TARGET}`, '--control', stage.control]);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect([await stage.xenstore.directory(BACKENDS), loopsOver(stage.directory)]).toEqual([
        [expect.any(String)],
        [expect.any(String)],
      ]);

      service.child.kill(signal);
      expect((await service.ended).exit).toBe(0);
      expect([await stage.xenstore.directory(BACKENDS), loopsOver(stage.directory), await stage.remaining()]).toEqual([
        undefined,
        [],
        [],
      ]);
      for (const kernel of kernels) await kernel.stop();
      await stubdomXenstore.close();
    } finally {
      await stage.close();
    }
  });
});
