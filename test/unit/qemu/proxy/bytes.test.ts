/** A proxy that nobody saves through is not there: what comes out at one side is what went in at the other, to the byte. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gaps, messageTexts, soup } from '../../../support/qmp/qmp-streams.js';
import { GREETING, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

/** A conversation with everything in it that a splitter may stumble over. */
const COMMANDS =
  '{"execute": "qmp_capabilities"}\r\n{"execute":"qom-get","id":18446744073709551615,"arguments":{"path":"}{\\"]["}}' +
  '\n{\'execute\': \'a\\\'b"\', \'id\': null}  [1,{}]{"exec-oob":"x"}\u00e9{"execute": "a\n\r\n}{"execute":"stop"}';
const REPLIES =
  '{"return": {}}\r\n{"timestamp": {"seconds": 1}, "event": "STOP"}\r\n{"id": 2, "return": "}{"}{"id": 1, "return": []}\r\n' +
  '{"error": {"class": "GenericError", "desc": "it\'s \\"so\\""}, "id": {"a": [1]}}\r\n\r\n{"return": "\u00e9"}';

const ENDS = Buffer.from([0xff]);

describe('the proxy passes on', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it('every byte in both directions, however the streams are cut', async () => {
    const qemu = await startQemu({}, { deaf: true });
    await startProxy();
    const client = await toolstack();
    const [commands, replies] = [Buffer.from(COMMANDS), Buffer.from(REPLIES)];
    await client.hears(GREETING);
    const cuts = Math.max(commands.length, replies.length);
    for (let at = 0; at < cuts; at += 1) {
      const [heard, taken] = [client.heardBytes, qemu.bytesOf(0).length];
      await Promise.all([client.send(commands.subarray(0, at)), qemu.say(replies.subarray(0, at))]);
      await Promise.all([client.send(commands.subarray(at)), qemu.say(replies.subarray(at))]);
      await until(
        () => client.heardBytes >= heard + replies.length && qemu.bytesOf(0).length >= taken + commands.length,
      );
      expect(client.bytes.subarray(heard).equals(replies)).toBe(true);
      expect(qemu.bytesOf(0).subarray(taken).equals(commands)).toBe(true);
    }
  });

  it.each([1, 3, 64])('every byte, %i at a time', async (pieceBytes) => {
    const qemu = await startQemu({}, { deaf: true, pieceBytes });
    await startProxy();
    const client = await toolstack();
    await client.hears(GREETING);
    await Promise.all([client.send(COMMANDS, pieceBytes), qemu.say(REPLIES)]);
    await client.hears(REPLIES);
    await until(() => qemu.bytesOf(0).equals(Buffer.from(COMMANDS)));
    expect(client.text).toBe(GREETING + REPLIES);
  });

  it('any messages and any soup, connection after connection', async () => {
    const qemu = await startQemu({}, { deaf: true });
    await startProxy();
    const messages = fc
      .array(fc.tuple(messageTexts, gaps), { maxLength: 5 })
      .map((all) => Buffer.from(all.flat().join('')));
    const streams = fc.oneof(
      messages,
      soup.map((bytes) => Buffer.concat([bytes, ENDS])),
    );
    await fc.assert(
      fc.asyncProperty(streams, streams, fc.integer({ min: 1, max: 50 }), async (commands, replies, pieceBytes) => {
        const visit = qemu.visits;
        const client = await toolstack();
        await client.hears(GREETING);
        await Promise.all([client.send(commands, pieceBytes), qemu.say(replies)]);
        await until(() => client.heardBytes >= GREETING.length + replies.length);
        await until(() => qemu.bytesOf(visit).length >= commands.length);
        expect(client.bytes.subarray(GREETING.length).equals(replies)).toBe(true);
        expect(qemu.bytesOf(visit).equals(commands)).toBe(true);
        client.leave();
        await until(() => qemu.present === 0);
      }),
      { numRuns: 60 },
    );
    expect(qemu.visits).toBe(60);
  });

  it('a message that does not end, when it is beyond 64 KiB', async () => {
    const qemu = await startQemu({}, { deaf: true });
    await startProxy();
    const client = await toolstack();
    const endless = `{"execute": "${'x'.repeat(64 * 1024)}`;
    await client.send(endless);
    await until(() => qemu.bytesOf(0).length === endless.length);
    await client.send('"}\r\n{"execute": "stop"}');
    await until(() => qemu.bytesOf(0).toString() === `${endless}"}\r\n{"execute": "stop"}`);
  });

  it('the replies to commands that were given at once, in the order of QEMU', async () => {
    const waiting: unknown[] = [];
    await startQemu({
      a: async ({ id }, qemu) => {
        waiting.unshift({ return: {}, id });
        if (waiting.length === 3) await qemu.say(waiting.map((reply) => JSON.stringify(reply)).join('\r\n'));
        return SILENCE;
      },
    });
    await startProxy();
    const client = await toolstack();
    await client.send('{"execute":"a","id":1}{"execute":"a","id":2}{"execute":"a","id":3}');
    await client.hears('{"return":{},"id":3}\r\n{"return":{},"id":2}\r\n{"return":{},"id":1}');
  });

  it('the end of a connection, to either side', async () => {
    const qemu = await startQemu({}, { deaf: true });
    await startProxy();
    const first = await toolstack();
    await first.hears(GREETING);
    first.leave();
    await until(() => qemu.present === 0);
    const second = await toolstack();
    await second.hears(GREETING);
    await qemu.hangUp();
    await second.untilEnded();
    expect(second.text).toBe(GREETING);
  });
});
