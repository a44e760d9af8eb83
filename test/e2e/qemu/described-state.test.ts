/**
 * QEMU can load what it has written: a guest that is stopped, saved and killed continues in a second QEMU and in a
 * third, and their states differ only in clocks. The tests of the program depend on this; the program itself is not
 * involved here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { useScratch } from '../../support/cli/scratch.js';
import { countsIn } from '../../support/qemu/boot-sector.js';
import { unexplained } from '../../support/qemu/clocks.js';
import { type DescribedState, differences, nameOf, valuesOf } from '../../support/qemu/described-state.js';
import { describe, describeState } from '../../support/qemu/description.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { MACHINES } from '../../support/qemu/machines.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { splitState } from '../../support/qemu/split-state.js';
import { failureOf, Toolstack } from '../../support/qemu/toolstack.js';

describeWith([A_QEMU], 'a state that QEMU has loaded', () => {
  const scratch = useScratch();

  /** Stops, saves and kills the machine. */
  async function saved(machine: Machine, name: string): Promise<DescribedState> {
    const save = await new Toolstack(machine.qmpPath).suspendAndSave({ filename: scratch.path(name) });
    expect(failureOf(save)).toBeUndefined();
    const description = await describe(machine, scratch.folder);
    await machine.kill();
    return splitState(await scratch.bytes(name), description);
  }

  /** Starts a machine that continues from a state. */
  function loading(name: string, from: Machine, machine: readonly string[], paused: boolean): Promise<Machine> {
    const [incoming, memory] = [`exec:cat ${scratch.path(name)}`, from.memory];
    return startMachine({ folder: scratch.folder, name: `after-${name}`, machine, memory, incoming, paused });
  }

  it.each(Object.entries(MACHINES))('is unchanged when it is saved again: %s', async (_, machine) => {
    const first = await startMachine({ folder: scratch.folder, name: 'first', machine });
    await first.untilCounting(3);
    const one = await saved(first, 'one');
    const count = first.counter();

    const second = await loading('one', first, machine, true);
    await second.untilState('paused');
    const two = await saved(second, 'two');
    expect(second.counter()).toBe(0);
    expect(unexplained(differences(one, two))).toEqual([]);

    const third = await loading('two', first, machine, false);
    await third.untilCounting(count + 3);
    const counts = countsIn(first.serial() + third.serial());
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  });

  it('differs only in the time of day a second later', async () => {
    const machine = MACHINES['pc with two CPUs'];
    const first = await startMachine({ folder: scratch.folder, name: 'first', machine });
    await first.untilCounting(3);
    const one = await saved(first, 'one');
    await delay(1100);
    const second = await loading('one', first, machine, true);
    await second.untilState('paused');
    const differing = differences(one, await saved(second, 'two'));
    expect(differing).toContain('mc146818rtc/cmos_data+0x00');
    expect(unexplained(differing)).toEqual([]);
  });

  it('has the same description in the QEMU that wrote it and in a QEMU that loads it', async () => {
    const options = { folder: scratch.folder, name: 'first', machine: MACHINES['pc, e1000 and VGA'] };
    const first = await startMachine(options);
    await first.untilCounting(3);
    await new Toolstack(first.qmpPath).suspendAndSave({ filename: scratch.path('state') });
    const loading = { ...options, name: 'second', memory: first.memory };
    const description = await describeState(scratch.path('state'), loading);
    expect(description).toEqual(await describe(first, scratch.folder));
    expect([...valuesOf(splitState(await scratch.bytes('state'), description)).keys()]).toEqual(
      expect.arrayContaining(['timer/cpu_ticks_offset', 'dma@1/command', 'i8254/channels[0]/count', 'cpu/env.eip']),
    );
  });
});

describeWith([A_QEMU], 'a state with a description', () => {
  const scratch = useScratch();

  it('has a name for every changed byte, and rejects a missing or additional byte', async () => {
    const options = { folder: scratch.folder, name: 'guest', machine: MACHINES['pc with two CPUs'] };
    const machine = await startMachine(options);
    await machine.untilCounting();
    await new Toolstack(machine.qmpPath).suspendAndSave({ filename: scratch.path('state') });
    const description = await describe(machine, scratch.folder);
    const bytes = await scratch.bytes('state');
    const state = splitState(bytes, description);
    for (const field of state.fields.filter(({ length }, index) => length > 0 && index % 50 === 0)) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(field.offset) ^ 0x80, field.offset);
      const name = field.length > 8 ? `${nameOf(field)}+0x00` : nameOf(field);
      expect(differences(state, splitState(flipped, description))).toEqual([name]);
    }
    expect(() => splitState(bytes.subarray(0, -1), description)).toThrow('the state ends at');
    expect(() => splitState(Buffer.concat([bytes, bytes.subarray(-1)]), description)).toThrow('end of the state');
  });
});
