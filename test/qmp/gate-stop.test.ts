/** A save follows a stop, in general: the gate tells of the stop, and whether the save came right behind it. */
import { describe, expect, it } from '@jest/globals';
import type { Monitor } from '../../src/qmp/index.js';
import { HeldSaves, SAVE } from './held-saves.js';
import { stage } from './stage.js';
import { until } from './until.js';

const STOP = '{"execute":"stop","id":6}\r\n';

describe('a stop of the toolstack', () => {
  const { qemu: startQemu, gate: startGate, toolstack } = stage();

  /** How often a stop was told of, and whether the save was said to be right behind one, after `words`. */
  async function told(words: string): Promise<[stops: number, afterStop: boolean]> {
    await startQemu({}, { deaf: true });
    const saves = new HeldSaves();
    const stops: Monitor[] = [];
    await startGate(saves.onSave, { onStop: (monitor) => void stops.push(monitor) });
    const client = await toolstack();
    await client.send(`${words}${SAVE}\r\n`);
    const { request, succeed } = await saves.save();
    succeed();
    return [stops.length, request.afterStop];
  }

  it('is told of, and so is that the save is right behind it', async () => {
    expect(await told(STOP)).toEqual([1, true]);
  });

  it('does not count when another command came between', async () => {
    expect(await told(`${STOP}{"execute":"device_add","arguments":{"driver":"nvme"}}\r\n`)).toEqual([1, false]);
  });

  it('does not count when it was out of band, which QEMU refuses', async () => {
    expect(await told('{"exec-oob":"stop","id":6}\r\n')).toEqual([0, false]);
  });

  it('is missed by a save that comes without', async () => {
    expect(await told('{"execute":"query-status"}\r\n')).toEqual([0, false]);
  });

  it('holds for one save', async () => {
    await startQemu({}, { deaf: true });
    const saves = new HeldSaves();
    await startGate(saves.onSave);
    const client = await toolstack();
    await client.send(`${STOP}${SAVE}\r\n${SAVE}\r\n`);
    (await saves.save(0)).succeed();
    const second = await saves.save(1);
    second.succeed();
    expect(second.request.afterStop).toBe(false);
  });

  it('that waits behind a save is told of when it is its turn', async () => {
    const qemu = await startQemu({}, { deaf: true });
    const saves = new HeldSaves();
    const stops: Monitor[] = [];
    await startGate(saves.onSave, { onStop: (monitor) => void stops.push(monitor) });
    const client = await toolstack();
    await client.send(`${SAVE}\r\n${STOP}`);
    const { succeed } = await saves.save();
    expect(stops).toHaveLength(0);
    succeed();
    await until(() => qemu.bytesOf(0).toString().includes('stop'));
    expect(stops).toHaveLength(1);
  });
});
