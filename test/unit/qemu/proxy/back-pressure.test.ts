/**
 * A toolstack or QEMU that does not read does not make the proxy's memory grow: the writer waits, as without a proxy.
 */
import { describe, expect, it } from '@jest/globals';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const LENGTH = 10_000_000;
const CHUNK = 65_536;

/** More than the sockets and the Node streams on the way can buffer, in bytes. */
const IN_TRANSIT = 2_500_000;

/** A message of {@link LENGTH} bytes, no part of which equals another. */
function longMessage(before: string, after: string): Buffer {
  const text = Array.from({ length: Math.ceil(LENGTH / 8) }, (_, index) => index.toString(36).padStart(8, '.')).join(
    '',
  );
  return Buffer.from(`${before}${text}${after}`);
}

describe('the proxy', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it('forwards a reply of 10 MB, and reads no faster than the toolstack', async () => {
    const qemu = await startQemu({}, { recordOnly: true, chunkBytes: CHUNK });
    await startProxy();
    const client = await toolstack();
    await client.receives(GREETING);
    client.socket.pause();
    const reply = longMessage('{"return": "', '"}\r\n');
    const sent = qemu.send(reply);
    await settled(150);
    expect(qemu.handedOver).toBeLessThan(IN_TRANSIT);
    client.socket.resume();
    await sent;
    await until(() => client.receivedBytes === GREETING.length + reply.length);
    expect(client.bytes.subarray(GREETING.length).equals(reply)).toBe(true);
  });

  it('forwards a command of 10 MB, and reads no faster than QEMU', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    await startProxy();
    const client = await toolstack();
    await client.receives(GREETING);
    qemu.stopReading();
    const command = longMessage('{"execute": "stop", "id": "', '"}\r\n');
    const sent = client.send(command, CHUNK);
    await settled(150);
    expect(client.sentBytes).toBeLessThan(IN_TRANSIT);
    qemu.readOn();
    await sent;
    await until(() => qemu.bytesOf(0).length === command.length);
    expect(qemu.bytesOf(0).equals(command)).toBe(true);
  });

  it('does not block one direction because of the other', async () => {
    const qemu = await startQemu({}, { recordOnly: true, chunkBytes: CHUNK });
    await startProxy();
    const client = await toolstack();
    await client.receives(GREETING);
    qemu.stopReading();
    const command = longMessage('{"execute": "stop", "id": "', '"}\r\n');
    const sent = client.send(command, CHUNK);
    await settled(50);
    const reply = longMessage('{"return": "', '"}\r\n');
    await qemu.send(reply);
    await until(() => client.receivedBytes === GREETING.length + reply.length);
    qemu.readOn();
    await sent;
    await until(() => qemu.bytesOf(0).length === command.length);
  });
});
