import { describe, expect, it } from '@jest/globals';
import { errnoOf, located, StubferryError } from '../../../../src/base/errors/index.js';
import { errorOf } from '../../../support/protocol/error-of.js';

describe('StubferryError', () => {
  it('has the exit status of its code', () => {
    expect(new StubferryError('TORN', 'torn').status).toBe(30);
  });

  it('keeps its cause', () => {
    const cause = new Error('first');
    expect(new StubferryError('DISK_IO', 'second', { cause }).cause).toBe(cause);
  });

  it('reports its details, without keys that have no value', () => {
    const error = new StubferryError('CORRUPT', 'damaged', { where: '/x', offset: 0, found: undefined });
    expect(error.report()).toStrictEqual({
      code: 'CORRUPT',
      status: 13,
      message: 'damaged',
      where: '/x',
      offset: 0,
    });
  });

  it('is recreated from the report of another process', () => {
    const error = new StubferryError('TORN', 'torn', { where: '/x', offset: 8, hint: 'wait' });
    expect(StubferryError.fromReport(error.report()).report()).toStrictEqual(error.report());
  });

  it('gets a location when it has none, and keeps the one that it has', () => {
    const nowhere = new StubferryError('CORRUPT', 'damaged', { where: undefined, found: 'x' });
    expect(nowhere.at('/y', 5).details).toEqual({ where: '/y', offset: 5, found: 'x' });
    const somewhere = new StubferryError('CORRUPT', 'damaged', { where: '/x', offset: 0 });
    expect(somewhere.at('/y', 5).details).toEqual({ where: '/x', offset: 0 });
  });

  it('is returned unchanged by StubferryError.from', () => {
    const error = new StubferryError('TORN', 'torn');
    expect(StubferryError.from(error)).toBe(error);
  });

  it.each([
    [new TypeError('no'), 'no'],
    ['text', 'text'],
    [undefined, 'undefined'],
  ])('is INTERNAL when it is made from any other value (%p)', (cause, message) => {
    expect(StubferryError.from(cause)).toMatchObject({ code: 'INTERNAL', message, details: { cause } });
  });
});

describe('located', () => {
  it('adds the location to a StubferryError', () => {
    const error = errorOf(() =>
      located('/x', 4096, () => {
        throw new StubferryError('CORRUPT', 'damaged');
      }),
    );
    expect(error).toMatchObject({ code: 'CORRUPT', details: { where: '/x', offset: 4096 } });
  });

  it('does not change other errors, and returns the result of the work', () => {
    const fault = new TypeError('a fault');
    const work = (): never => {
      throw fault;
    };
    expect(errorOf(() => located('/x', 0, work))).toBe(fault);
    expect(located('/x', 0, () => 5)).toBe(5);
  });
});

describe('errnoOf', () => {
  it('is the errno name of a failed system call', () => {
    expect(errnoOf(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('ENOSPC');
  });

  it.each([new Error('x'), Object.assign(new Error('x'), { code: 5 }), 'ENOSPC', undefined])(
    'is undefined for %p',
    (error) => {
      expect(errnoOf(error)).toBeUndefined();
    },
  );
});
