/**
 * A toolstack changes the CD-ROM of a guest with a stubdom as libxl does (libxl_disk.c, cdrom_insert_*), with a real
 * QEMU.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, truncate } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { StubferryError } from '../../../src/base/errors/index.js';
import { xenFrontends } from '../../../src/blockdev-utils/index.js';
import { type ListMedia, QmpProxy } from '../../../src/qemu/proxy/index.js';
import { saveDevicesState } from '../../../src/qemu/qmp/index.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../support/blockdev-utils/as-root.js';
import { attachLoop, detachLoop } from '../../support/blockdev-utils/loop-device.js';
import { SysfsTree } from '../../support/blockdev-utils/sysfs-tree.js';
import { useScratch } from '../../support/cli/scratch.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { type Message, QmpConnection } from '../../support/qemu/qmp-connection.js';
import { FIRST_ID, failureOf, Toolstack } from '../../support/qemu/toolstack.js';

jest.setTimeout(120_000);

const HDC = 5632;
const DEVICE = `vbd-${HDC}`;

/** The arguments of libxl 4.17 for hdc (libxl_dm.c): a drive with a medium, or an empty drive. */
const drive = (medium: string): string[] => [
  ...['-machine', 'pc-i440fx-7.2', '-drive', `if=none,readonly=on,id=ide-${HDC}${medium}`],
  ...['-device', `ide-cd,id=ide-${HDC},drive=ide-${HDC},bus=ide.1,unit=0`],
];

interface Block {
  readonly qdev: string;
  readonly inserted?: { readonly file: string; readonly image: { readonly 'virtual-size': number } };
}

interface Fdset {
  readonly 'fdset-id': number;
  readonly fds: readonly { readonly opaque?: string }[];
}

/** The single connection on which libxl changes a medium, one command after the other. */
class Libxl {
  readonly #connection: QmpConnection;
  #nextId = FIRST_ID;

  private constructor(connection: QmpConnection) {
    this.#connection = connection;
  }

  static async connect(path: string): Promise<Libxl> {
    const libxl = new Libxl(await QmpConnection.open(path));
    await libxl.#connection.next();
    await libxl.#execute('qmp_capabilities');
    await libxl.#execute('query-version');
    return libxl;
  }

  async #execute(execute: string, args?: object): Promise<Message | undefined> {
    const id = this.#nextId;
    this.#nextId += 1;
    await this.#connection.send(`${JSON.stringify({ execute, id, arguments: args })}\r\n`);
    const reply = await this.#connection.reply();
    expect(reply?.id).toBe(id);
    return reply;
  }

  /** The number of the fdset of hdc. libxl repeats this query until there is one. */
  async fdset(): Promise<number | undefined> {
    const sets = ((await this.#execute('query-fdsets'))?.return ?? []) as readonly Fdset[];
    return sets.find(({ fds }) => fds.some(({ opaque }) => opaque === `stub-devid:${HDC}`))?.['fdset-id'];
  }

  /** Ejects the medium. Returns the number of the removed fdset, if there was one. */
  async eject(): Promise<number | undefined> {
    expect(await this.#execute('eject', { id: `ide-${HDC}` })).toMatchObject({ return: {} });
    const fdset = await this.fdset();
    if (fdset !== undefined)
      expect(await this.#execute('remove-fd', { 'fdset-id': fdset })).toMatchObject({ return: {} });
    return fdset;
  }

  insert(fdset: number | undefined): Promise<Message | undefined> {
    return this.change(`/dev/fdset/${fdset}`);
  }

  change(filename: string): Promise<Message | undefined> {
    return this.#execute('blockdev-change-medium', { id: `ide-${HDC}`, filename, format: 'host_device' });
  }

  leave(): void {
    this.#connection.disconnect();
  }
}

describeWith([A_QEMU, ROOT, LOOP_DEVICES], 'the CD-ROM of a guest with a stubdom', () => {
  const scratch = useScratch();
  let tree: SysfsTree;
  let proxy: QmpProxy | undefined;
  let loops: string[] = [];
  beforeEach(async () => {
    await mkdir(scratch.path('tree'));
    tree = new SysfsTree(scratch.path('tree'));
  });
  afterEach(async () => {
    await proxy?.close(new StubferryError('CANCELLED', 'the test is over'));
    for (const loop of loops) detachLoop(loop);
    loops = [];
  });

  /** Attaches a device of that many 2 KiB sectors as hdc of the stubdom. */
  async function attach(sectors: number): Promise<void> {
    const image = scratch.path(`${sectors}.iso`);
    writeFileSync(image, '');
    await truncate(image, sectors * 2048);
    const loop = attachLoop(image, { readOnly: true });
    loops.push(loop);
    tree.attach(DEVICE, 'xvdc', loop);
  }

  async function start(medium: string, listMedia?: ListMedia): Promise<[Machine, Libxl]> {
    const machine = await startMachine({ folder: scratch.folder, name: 'guest', machine: drive(medium) });
    proxy = await QmpProxy.listen({
      ...{ listen: scratch.path('qmp-proxy.sock'), qemu: machine.qmpPath, onNews: () => undefined, waitMs: 20_000 },
      onSave: ({ monitor, args }) => saveDevicesState(monitor, { ...args, filename: scratch.path('state') }),
      listMedia: listMedia ?? (() => xenFrontends(tree.directories)),
    });
    return [machine, await Libxl.connect(scratch.path('qmp-proxy.sock'))];
  }

  const inserted = async (machine: Machine): Promise<Block['inserted']> =>
    (await machine.command<Block[]>('query-block')).find(({ qdev }) => qdev.includes(`ide-${HDC}`))?.inserted;

  it('can be changed twice, and the guest can be saved after that', async () => {
    await attach(100);
    const [machine, libxl] = await start(`,file=${tree.node('xvdc')},format=host_device`);
    for (const sectors of [200, 300]) {
      expect(await libxl.eject()).toBe(1048576 + HDC);
      expect(await inserted(machine)).toBeUndefined();
      expect(await libxl.fdset()).toBeUndefined();
      tree.detach(DEVICE, 'xvdc');
      // The second time, the new disk is attached before the next query.
      if (sectors === 200) expect(await libxl.fdset()).toBeUndefined();
      await attach(sectors);
      expect(await libxl.insert(await libxl.fdset())).toMatchObject({ return: {} });
      const image = { 'virtual-size': sectors * 2048 };
      expect(await inserted(machine)).toMatchObject({ file: tree.node('xvdc'), image });
    }
    libxl.leave();
    expect(failureOf(await new Toolstack(scratch.path('qmp-proxy.sock')).suspendAndSave())).toBeUndefined();
    expect(readFileSync(scratch.path('state')).toString('latin1', 0, 4)).toBe('QEVM');
  });

  it('can be inserted into a drive that was empty at the start', async () => {
    const [machine, libxl] = await start('');
    expect(await libxl.eject()).toBeUndefined();
    await attach(100);
    expect(await libxl.insert(await libxl.fdset())).toMatchObject({ return: {} });
    expect(await inserted(machine)).toMatchObject({ image: { 'virtual-size': 100 * 2048 } });
    libxl.leave();
  });

  it("is refused with QEMU's own error when it cannot be opened", async () => {
    const gone = { devid: HDC, node: scratch.path('gone'), incarnation: '1' };
    const [machine, libxl] = await start('', async () => [gone]);
    const throughProxy = await libxl.insert(await libxl.fdset());
    libxl.leave();
    const direct = await Libxl.connect(machine.qmpPath);
    const { error } = (await direct.change(gone.node)) ?? {};
    direct.leave();
    expect(error?.desc).toBe(`Could not open '${gone.node}': No such file or directory`);
    expect(throughProxy?.error).toEqual(error);
    expect(await inserted(machine)).toBeUndefined();
  });
});
