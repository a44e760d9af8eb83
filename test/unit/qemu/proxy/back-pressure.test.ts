/** Neither a toolstack nor a QEMU that does not read makes the proxy grow: who writes waits, as without a proxy. */
import { describe, expect, it } from '@jest/globals';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const LENGTH = 10_000_000;
const PIECE = 65_536;

/** More than the sockets on the way hold, with the streams of Node before them. */
const ON_THE_WAY = 2_500_000;

/** A message of this length, no part of it like another. */
function longMessage(before: string, after: string): Buffer {
  const text = Array.from({ length: Math.ceil(LENGTH / 8) }, (_, place) => place.toString(36).padStart(8, '.')).join(
    '',
  );
  return Buffer.from(`${before}${text}${after}`);
}

describe('the proxy', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it('passes a reply of 10 MB on, and takes no more of it than the toolstack does', async () => {
    const qemu = await startQemu({}, { deaf: true, pieceBytes: PIECE });
    await startProxy();
    const client = await toolstack();
    await client.hears(GREETING);
    client.socket.pause();
    const reply = longMessage('{"return": "', '"}\r\n');
    const said = qemu.say(reply);
    await settled(150);
    expect(qemu.handedOver).toBeLessThan(ON_THE_WAY);
    client.socket.resume();
    await said;
    await until(() => client.heardBytes === GREETING.length + reply.length);
    expect(client.bytes.subarray(GREETING.length).equals(reply)).toBe(true);
  });

  it('passes a command of 10 MB on, and takes no more of it than QEMU does', async () => {
    const qemu = await startQemu({}, { deaf: true });
    await startProxy();
    const client = await toolstack();
    await client.hears(GREETING);
    qemu.stopReading();
    const command = longMessage('{"execute": "stop", "id": "', '"}\r\n');
    const sent = client.send(command, PIECE);
    await settled(150);
    expect(client.sentBytes).toBeLessThan(ON_THE_WAY);
    qemu.readOn();
    await sent;
    await until(() => qemu.bytesOf(0).length === command.length);
    expect(qemu.bytesOf(0).equals(command)).toBe(true);
  });

  it('does not hold one direction up because of the other', async () => {
    const qemu = await startQemu({}, { deaf: true, pieceBytes: PIECE });
    await startProxy();
    const client = await toolstack();
    await client.hears(GREETING);
    qemu.stopReading();
    const command = longMessage('{"execute": "stop", "id": "', '"}\r\n');
    const sent = client.send(command, PIECE);
    await settled(50);
    const reply = longMessage('{"return": "', '"}\r\n');
    await qemu.say(reply);
    await until(() => client.heardBytes === GREETING.length + reply.length);
    qemu.readOn();
    await sent;
    await until(() => qemu.bytesOf(0).length === command.length);
  });
});
