/** `stubferry doctor` on a machine without Xen. For a Xen host see test/xen/scenarios/save-restore.ts. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { HostCheck } from '../../../src/service/doctor/index.js';
import { documentOf, stubferry } from '../../support/cli/run-stubferry.js';

const onXen = existsSync('/proc/xen/capabilities');

describe('stubferry doctor without Xen', () => {
  it('exits with HOST_UNREADY, and prints a line for each check with what was found and what to do', async () => {
    const { exit, stdout } = await stubferry(['doctor']);
    const lines = `${stdout}`.split('\n');
    expect(onXen).toBe(false);
    expect(exit).toBe(99);
    expect(lines.filter((line) => line.startsWith('missing  Xen'))).toEqual([
      expect.stringMatching(/^missing {2}Xen +no hypervisor +boot Xen \(apt install xen-system-amd64\)/),
    ]);
    expect(lines.at(-2)).toMatch(/^this host is not ready as dom0: .*Xen, dom0, .*xenstore/);
  });

  it('prints the same checks as one JSON document', async () => {
    const { ready, findings } = documentOf<{ ready: boolean; findings: HostCheck[] }>(
      await stubferry(['doctor', '--json']),
    );
    expect(ready).toBe(false);
    expect(findings.find(({ what }) => what === 'Node')).toMatchObject({ verdict: 'ok', found: process.versions.node });
    for (const { verdict, fix } of findings) expect(verdict === 'ok' || fix !== undefined).toBe(true);
  });
});
