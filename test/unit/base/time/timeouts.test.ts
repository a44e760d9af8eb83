import { describe, expect, it } from '@jest/globals';
import { assertOrder, TIMEOUTS } from '../../../../src/base/time/timeouts.js';

describe('the table of timeouts', () => {
  it('is in order', () => {
    expect(() => assertOrder()).not.toThrow();
  });

  it('is refused when a limit is not shorter than one that must be longer', () => {
    expect(() => assertOrder({ ...TIMEOUTS, heartbeat: TIMEOUTS.peerDead })).toThrow(
      expect.objectContaining({
        code: 'INTERNAL',
        message: expect.stringContaining('the limit heartbeat must be shorter than the limit peerDead'),
      }),
    );
  });
});
