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

  it('reports what it knows, and has no keys for what it does not', () => {
    const error = new StubferryError('CORRUPT', 'damaged', { where: '/x', offset: 0, found: undefined });
    expect(error.report()).toStrictEqual({
      code: 'CORRUPT',
      status: 13,
      message: 'damaged',
      where: '/x',
      offset: 0,
    });
  });

  it('is the same again from the report of another process', () => {
    const error = new StubferryError('TORN', 'torn', { where: '/x', offset: 8, hint: 'wait' });
    expect(StubferryError.fromReport(error.report()).report()).toStrictEqual(error.report());
  });

  it('takes a place where it has none, and keeps the one it has', () => {
    const nowhere = new StubferryError('CORRUPT', 'damaged', { where: undefined, found: 'x' });
    expect(nowhere.at('/y', 5).details).toEqual({ where: '/y', offset: 5, found: 'x' });
    const somewhere = new StubferryError('CORRUPT', 'damaged', { where: '/x', offset: 0 });
    expect(somewhere.at('/y', 5).details).toEqual({ where: '/x', offset: 0 });
  });

  it('made from itself is itself', () => {
    const error = new StubferryError('TORN', 'torn');
    expect(StubferryError.from(error)).toBe(error);
  });

  it.each([
    [new TypeError('no'), 'no'],
    ['text', 'text'],
    [undefined, 'undefined'],
  ])('made from anything else (%p) is INTERNAL', (cause, message) => {
    expect(StubferryError.from(cause)).toMatchObject({ code: 'INTERNAL', message, details: { cause } });
  });
});

describe('located', () => {
  it('gives an error of ours its place', () => {
    const error = errorOf(() =>
      located('/x', 4096, () => {
        throw new StubferryError('CORRUPT', 'damaged');
      }),
    );
    expect(error).toMatchObject({ code: 'CORRUPT', details: { where: '/x', offset: 4096 } });
  });

  it('leaves other errors alone, and passes on what there is', () => {
    const fault = new TypeError('a fault');
    const work = (): never => {
      throw fault;
    };
    expect(errorOf(() => located('/x', 0, work))).toBe(fault);
    expect(located('/x', 0, () => 5)).toBe(5);
  });
});

describe('errnoOf', () => {
  it('is the name that Node gives a failed system call', () => {
    expect(errnoOf(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('ENOSPC');
  });

  it.each([new Error('x'), Object.assign(new Error('x'), { code: 5 }), 'ENOSPC', undefined])(
    'is undefined for %p',
    (error) => {
      expect(errnoOf(error)).toBeUndefined();
    },
  );
});
