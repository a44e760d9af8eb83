import { describe, expect, it } from '@jest/globals';
import { PhaseMachine } from '../../../src/base/phase-machine.js';

type Light = 'red' | 'green' | 'off';

const light = (): PhaseMachine<Light> =>
  new PhaseMachine<Light>('the light', 'red', { red: ['green', 'off'], green: ['red', 'off'], off: [] });

describe('a phase machine', () => {
  it('begins in its first phase', () => {
    expect(light().phase).toBe('red');
  });

  it('enters the phases that its table lists', () => {
    const machine = light();
    machine.enter('green');
    machine.enter('red');
    expect(machine.phase).toBe('red');
  });

  it('refuses a transition that its table does not list, and stays where it is', () => {
    const machine = light();
    expect(() => machine.enter('red')).toThrow(
      expect.objectContaining({
        code: 'INTERNAL',
        message: 'the light cannot become red',
        details: expect.objectContaining({ expected: 'green or off', found: 'red -> red' }),
      }),
    );
    expect(machine.phase).toBe('red');
  });

  it('refuses every transition from its last phase', () => {
    const machine = light();
    machine.enter('off');
    expect(machine.canEnter('red')).toBe(false);
    expect(() => machine.enter('red')).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('says whether it is in one of several phases', () => {
    expect([light().isIn('green', 'off'), light().isIn('red', 'off')]).toEqual([false, true]);
  });
});
