/** The scripts of the stubdom pass the arguments that libxl writes to xenstore on to QEMU. */
import { beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { scratchDirectory } from '../../support/image/elf-tree.js';
import { A_BUSYBOX, StubdomShell } from '../../support/image/stubdom-shell.js';

/** The arguments that the scripts add before the toolstack's own. */
const MONITOR = [
  '-chardev',
  'socket,id=stubferry,path=/run/qemu.sock,server=on,wait=off',
  '-mon',
  'chardev=stubferry,mode=control',
];

describeWith([A_BUSYBOX], 'the arguments of the device model', () => {
  let shell: StubdomShell;
  beforeEach(async () => {
    shell = new StubdomShell(await scratchDirectory());
  });

  /** Returns the arguments that QEMU receives. @param before a script that runs after the arguments were read */
  const passed = (values: readonly (string | Buffer)[], before = ''): Buffer[] => {
    const directory = shell.storeArguments(values.map((value) => Buffer.from(value)));
    const output = shell.run(`read_dm_argv ${directory} || exit 1\n${before}\n(start_qemu)`);
    const parts: Buffer[] = [];
    for (let at = 0; at < output.length; ) {
      const end = output.indexOf(0, at);
      parts.push(output.subarray(at, end));
      at = end + 1;
    }
    expect(parts.slice(0, MONITOR.length).map(String)).toEqual(MONITOR);
    return parts.slice(MONITOR.length);
  };

  it('are passed on unchanged, in order', () => {
    const values = ['-xen-domid', '4', '-nodefaults', '-name', 'a guest', '-m', '64'];
    expect(passed(values).map(String)).toEqual(values);
  });

  it('are passed on unchanged with a digit after a control character, or after a backslash and zeros', () => {
    const values = ['\u00010', '\u00077\u00010', '\\000', '\\\\001\u00011', '\u00010\n\\0', '\u0001', '\u00018'];
    expect(passed(values).map(String)).toEqual(values);
  });

  it('are passed on unchanged with spaces, quotes, backslashes, line feeds, or when they are empty', () => {
    const value = fc.uint8Array({ maxLength: 12, min: 1, max: 255 }).map((bytes) => Buffer.from(bytes));
    const text = fc
      .constantFrom('', ' ', '*', '\\', "'", '"$HOME"', 'a\n', '\n', '\\n', '%s', '-n', 'guest\u00e9', '`id`')
      .map((one) => Buffer.from(one));
    fc.assert(
      fc.property(fc.array(fc.oneof(value, text), { minLength: 1, maxLength: 8 }), (values) => {
        expect(passed(values)).toEqual(values);
      }),
      { numRuns: 25 },
    );
  });

  it("load the state from the agent, in place of libxl's placeholder", () => {
    const values = ['-incoming', '$STUBDOM_RESTORE_INCOMING_ARG', '-machine', 'xenfv'];
    const restored = passed(values, 'restore_from_agent "unix:$INCOMING"');
    expect(restored.map(String)).toEqual(['-incoming', 'unix:/run/incoming.sock', '-machine', 'xenfv']);
  });

  it.each([
    [['-incoming', '$STUBDOM_RESTORE_INCOMING_ARG'], '/run/incoming.sock'],
    [['-name', 'guest'], ''],
  ])('%j make the agent restore to "%s"', (values, expected) => {
    const directory = shell.storeArguments(values.map((value) => Buffer.from(value)));
    const output = shell.run(`read_dm_argv ${directory}; restore_from_agent "unix:$INCOMING"; printf '%s' "$RESTORE"`);
    expect(output.toString()).toBe(expected);
  });

  it('name the disks, serial lines and taps that must exist before QEMU starts', () => {
    const directory = shell.storeArguments(
      [
        ...['-serial', '/dev/hvc3', '-serial', '/dev/hvc4', '-name', '/dev/hvc9x'],
        ...['-device', 'rtl8139,id=nic0,netdev=net0,mac=00:16:3e:00:00:01'],
        ...['-netdev', 'type=tap,id=net0,ifname=vif4.0-emu,br=xenbr0,script=no,downscript=no'],
        ...['-drive', 'file=/dev/xvda,if=ide,index=0,media=disk,format=host_device,cache=writeback'],
        ...['-drive', 'if=none,readonly=on,id=ide-5632,file=/dev/xvdc,format=host_device'],
        ...['-drive', 'if=none,readonly=on,id=ide-5696'],
      ].map((value) => Buffer.from(value)),
    );
    const output = shell.run(`read_dm_argv ${directory}; find_devices; echo "$DISKS;$LINES;$TAPS"`);
    expect(output.toString()).toBe(' /dev/xvda /dev/xvdc; /dev/hvc3 /dev/hvc4; 0:vif4.0-emu\n');
  });

  it('make the init wait for no disk of an empty CD-ROM drive', () => {
    const values = ['-drive', 'if=none,readonly=on,id=ide-5632', '-device', 'ide-cd,id=ide-5632,drive=ide-5632'];
    const directory = shell.storeArguments(values.map((value) => Buffer.from(value)));
    const wait = 'wait_until() { echo "waits for $2"; }';
    const script = `read_dm_argv ${directory}; find_devices; ${wait}; wait_for_devices; echo "then QEMU"`;
    expect(shell.run(script).toString()).toBe('then QEMU\n');
  });

  it('cause a failure when they are missing', () => {
    expect(() => shell.run('read_dm_argv /vm/2/image/dm-argv || exit 7')).toThrow(
      expect.objectContaining({ status: 7 }),
    );
  });
});
