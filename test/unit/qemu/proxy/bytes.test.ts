/**
 * Without a save, the proxy is transparent: the bytes that leave on one side are exactly those that arrived on the
 * other.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gaps, messageTexts, randomTokens } from '../../../support/qmp/qmp-streams.js';
import { GREETING, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

/** Commands and replies with all constructs that are difficult for a splitter. */
const COMMANDS =
  '{"execute": "qmp_capabilities"}\r\n{"execute":"qom-get","id":18446744073709551615,"arguments":{"path":"}{\\"]["}}' +
  '\n{\'execute\': \'a\\\'b"\', \'id\': null}  [1,{}]{"exec-oob":"x"}\u00e9{"execute": "a\n\r\n}{"execute":"stop"}';
const REPLIES =
  '{"return": {}}\r\n{"timestamp": {"seconds": 1}, "event": "STOP"}\r\n{"id": 2, "return": "}{"}{"id": 1, "return": []}\r\n' +
  '{"error": {"class": "GenericError", "desc": "it\'s \\"so\\""}, "id": {"a": [1]}}\r\n\r\n{"return": "\u00e9"}';

const RESET = Buffer.from([0xff]);

describe('the proxy forwards', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it('every byte in both directions, with the streams split at every position', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    await startProxy();
    const client = await toolstack();
    const [commands, replies] = [Buffer.from(COMMANDS), Buffer.from(REPLIES)];
    await client.receives(GREETING);
    const positions = Math.max(commands.length, replies.length);
    for (let at = 0; at < positions; at += 1) {
      const [received, taken] = [client.receivedBytes, qemu.bytesOf(0).length];
      await Promise.all([client.send(commands.subarray(0, at)), qemu.send(replies.subarray(0, at))]);
      await Promise.all([client.send(commands.subarray(at)), qemu.send(replies.subarray(at))]);
      await until(
        () => client.receivedBytes >= received + replies.length && qemu.bytesOf(0).length >= taken + commands.length,
      );
      expect(client.bytes.subarray(received).equals(replies)).toBe(true);
      expect(qemu.bytesOf(0).subarray(taken).equals(commands)).toBe(true);
    }
  });

  it.each([1, 3, 64])('every byte, %i at a time', async (chunkBytes) => {
    const qemu = await startQemu({}, { recordOnly: true, chunkBytes });
    await startProxy();
    const client = await toolstack();
    await client.receives(GREETING);
    await Promise.all([client.send(COMMANDS, chunkBytes), qemu.send(REPLIES)]);
    await client.receives(REPLIES);
    await until(() => qemu.bytesOf(0).equals(Buffer.from(COMMANDS)));
    expect(client.text).toBe(GREETING + REPLIES);
  });

  it('any messages and any random JSON tokens, connection after connection', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    await startProxy();
    const messages = fc
      .array(fc.tuple(messageTexts, gaps), { maxLength: 5 })
      .map((all) => Buffer.from(all.flat().join('')));
    const streams = fc.oneof(
      messages,
      randomTokens.map((bytes) => Buffer.concat([bytes, RESET])),
    );
    await fc.assert(
      fc.asyncProperty(streams, streams, fc.integer({ min: 1, max: 50 }), async (commands, replies, chunkBytes) => {
        const visit = qemu.visits;
        const client = await toolstack();
        await client.receives(GREETING);
        await Promise.all([client.send(commands, chunkBytes), qemu.send(replies)]);
        await until(() => client.receivedBytes >= GREETING.length + replies.length);
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

  it('an unterminated message when it is longer than 64 KiB', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    await startProxy();
    const client = await toolstack();
    const endless = `{"execute": "${'x'.repeat(64 * 1024)}`;
    await client.send(endless);
    await until(() => qemu.bytesOf(0).length === endless.length);
    await client.send('"}\r\n{"execute": "stop"}');
    await until(() => qemu.bytesOf(0).toString() === `${endless}"}\r\n{"execute": "stop"}`);
  });

  it("the replies to commands that arrived together, in QEMU's order", async () => {
    const waiting: unknown[] = [];
    await startQemu({
      a: async ({ id }, qemu) => {
        waiting.unshift({ return: {}, id });
        if (waiting.length === 3) await qemu.send(waiting.map((reply) => JSON.stringify(reply)).join('\r\n'));
        return SILENCE;
      },
    });
    await startProxy();
    const client = await toolstack();
    await client.send('{"execute":"a","id":1}{"execute":"a","id":2}{"execute":"a","id":3}');
    await client.receives('{"return":{},"id":3}\r\n{"return":{},"id":2}\r\n{"return":{},"id":1}');
  });

  it('the end of a connection, in either direction', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    await startProxy();
    const first = await toolstack();
    await first.receives(GREETING);
    first.leave();
    await until(() => qemu.present === 0);
    const second = await toolstack();
    await second.receives(GREETING);
    await qemu.hangUp();
    await second.untilEnded();
    expect(second.text).toBe(GREETING);
  });
});
