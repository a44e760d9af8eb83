import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES, errorCodeOf } from '../../../../src/base/errors/index.js';

const entries = Object.entries(ERROR_CODES);

describe('the error codes', () => {
  it('have unique statuses', () => {
    const statuses = entries.map(([, { status }]) => status);
    expect(new Set(statuses).size).toBe(statuses.length);
  });

  it('have unique meanings', () => {
    const meanings = entries.map(([, { means }]) => means);
    expect(new Set(meanings).size).toBe(meanings.length);
  });

  it('have statuses that a process can exit with: 1 to 125, and 130 for a signal', () => {
    const impossible = entries.filter(
      ([code, { status }]) => !(status >= 1 && status <= 125) && !(code === 'CANCELLED' && status === 130),
    );
    expect(impossible).toEqual([]);
  });

  it('keep their numbers, because disks and scripts contain them', () => {
    expect(Object.fromEntries(entries.map(([code, { status }]) => [code, status]))).toMatchObject({
      INTERNAL: 1,
      USAGE: 2,
      INPUT_UNREADABLE: 10,
      NOT_A_STATE: 11,
      TRUNCATED: 12,
      CORRUPT: 13,
      UNSUPPORTED_VERSION: 14,
      UNKNOWN_RECORD: 15,
      LIMIT_EXCEEDED: 16,
      UNVERIFIABLE: 17,
      DIGEST_MISMATCH: 18,
      REPLAY_DIFFERS: 19,
      DISK_ABSENT: 20,
      DISK_LOCKED: 21,
      NOT_A_TRANSFER_DISK: 22,
      DISK_EXISTS: 23,
      WRONG_TARGET: 24,
      WRONG_DIRECTION: 25,
      DISK_IO: 26,
      DISK_HUNG: 27,
      DISK_NO_SPACE: 28,
      TORN: 30,
      FRAME_CORRUPT: 31,
      STALE_EPOCH: 32,
      MISDIRECTED: 33,
      PROTOCOL_VIOLATION: 34,
      PEER_ABSENT: 35,
      PEER_DEAD: 36,
      PEER_RESTARTED: 37,
      PEER_ABORTED: 38,
      NO_PROGRESS: 39,
      DESTINATION_EXISTS: 40,
      DESTINATION_FULL: 41,
      DESTINATION_UNWRITABLE: 42,
      DESTINATION_IO: 43,
      DESTINATION_GONE: 44,
      AGENT_DIED: 50,
      CANCELLED: 130,
    });
  });
});

describe('errorCodeOf', () => {
  it('finds each code by its status', () => {
    for (const [code, { status }] of entries) expect(errorCodeOf(status)).toBe(code);
  });

  it.each([0, 3, 199, 65535])('is undefined for the unassigned status %i', (status) => {
    expect(errorCodeOf(status)).toBeUndefined();
  });
});
