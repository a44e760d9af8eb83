/** A body against its description: the check takes what the reader takes, without its cost. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Misfit } from '../../../../src/formats/qevm/body-cursor.js';
import { CheckBudget, checkBody } from '../../../../src/formats/qevm/check-body.js';
import { type FieldDescription, readFields, type StructDescription } from '../../../../src/formats/qevm/index.js';
import { QEVM_LIMITS } from '../../../../src/formats/qevm/limits.js';
import { text, u32 } from '../../../support/qevm/handmade-state.js';

function described(fields: readonly FieldDescription[], subsections: readonly StructDescription[] = []) {
  return { vmsdName: 'sub', version: 1, fields, subsections };
}

function field(more: Partial<FieldDescription>): FieldDescription {
  const { struct } = more;
  return {
    name: 'field',
    type: struct === undefined ? 'uint8' : 'struct',
    ...{ size: 1, arrayLength: undefined, index: undefined, struct: undefined, ...more },
  };
}

function check(body: Uint8Array, description: StructDescription, budget = new CheckBudget()): void {
  checkBody(body, description, budget);
}

/** The bytes that a description describes, all of them zeros but the headers of subsections. */
function bodyOf({ fields, subsections }: StructDescription): Buffer {
  const bytes = fields.map(({ size, arrayLength = 1, struct }) =>
    Buffer.concat(Array.from({ length: arrayLength }, () => (struct ? bodyOf(struct) : Buffer.alloc(size)))),
  );
  const more = subsections.map((one) => Buffer.concat([Buffer.of(0x05), text(one.vmsdName), u32(1), bodyOf(one)]));
  return Buffer.concat([...bytes, ...more]);
}

/** With sizes that are right. */
const { struct: anyStruct } = fc.letrec<{ struct: StructDescription; field: FieldDescription }>((tie) => ({
  field: fc.oneof(
    { depthSize: 'small' },
    fc
      .record({ size: fc.nat(4), arrayLength: fc.option(fc.nat(4), { nil: undefined }) })
      .map(({ size, arrayLength }) => field({ size, arrayLength: size === 0 ? undefined : arrayLength })),
    fc
      .record({ struct: tie('struct'), arrayLength: fc.option(fc.nat(3), { nil: undefined }) })
      .map(({ struct, arrayLength }) => {
        const size = bodyOf(struct).length;
        return field({ struct, size, arrayLength: size === 0 ? undefined : arrayLength });
      }),
  ),
  struct: fc
    .record({
      fields: fc.array(tie('field'), { maxLength: 3 }),
      subsections: fc.array(tie('struct'), { maxLength: 1 }),
    })
    .map(({ fields, subsections }) => described(fields, subsections)),
}));

function outcome(read: () => unknown): unknown {
  try {
    read();
    return 'taken';
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    return 'refused';
  }
}

describe('the check of a body', () => {
  it('takes what is as described', () => {
    fc.assert(
      fc.property(anyStruct, (description) => {
        check(bodyOf(description), description);
      }),
    );
  });

  it('takes and refuses what the reader of the fields does', () => {
    fc.assert(
      fc.property(anyStruct, fc.infiniteStream(fc.nat()), (description, numbers) => {
        const body = bodyOf(description);
        const [at = 0, value = 0, cut = 0] = numbers.take(3);
        if (body.length > 0) body[at % body.length] = value;
        const damaged = cut % 3 === 0 ? body.subarray(0, cut % (body.length + 1)) : body;
        expect(outcome(() => check(damaged, description))).toBe(outcome(() => readFields(damaged, description)));
      }),
    );
  });

  it('refuses an array of elements that take no bytes, as the reader does', () => {
    const description = described([field({ size: 0, arrayLength: 2 ** 40 })]);
    const refusal = expect.objectContaining({
      offset: 0,
      expected: 'elements of at least a byte in field',
      found: `${2 ** 40} of no bytes`,
    });
    expect(() => check(new Uint8Array(0), description)).toThrow(Misfit);
    expect(thrownBy(() => check(new Uint8Array(0), description))).toEqual(refusal);
    expect(thrownBy(() => readFields(new Uint8Array(0), description))).toEqual(refusal);
  });

  it('looks at one element of an array whose elements are all alike', () => {
    let looks = 0;
    const inner = described([field({ size: 8 })]);
    const counted: StructDescription = {
      ...inner,
      get fields() {
        looks += 1;
        return inner.fields;
      },
    };
    check(new Uint8Array(8 * 1000), described([field({ size: 8, arrayLength: 1000, struct: counted })]));
    // Once whether there are subsections in it, once for the first element.
    expect(looks).toBe(2);
  });

  it('counts the fields of all bodies of a state', () => {
    const budget = new CheckBudget();
    // An array of as many bytes as a state may have fields, less one.
    const most = QEVM_LIMITS.stateFields - 1;
    check(new Uint8Array(most), described([field({ arrayLength: most })]), budget);
    check(new Uint8Array(1), described([field({})]), budget);
    expect(thrownBy(() => check(new Uint8Array(1), described([field({})]), budget))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the state has too many fields',
      details: { expected: `at most ${QEVM_LIMITS.stateFields}` },
    });
  });

  it('counts the elements of an array of structs that are alike, and the fields in them', () => {
    const inner = described([field({}), field({})]);
    const budget = new CheckBudget();
    check(new Uint8Array(20), described([field({ size: 2, arrayLength: 10, struct: inner })]), budget);
    // Ten structs of two fields.
    expect(budget.fields.left).toBe(QEVM_LIMITS.stateFields - 30);
  });

  it('has a limit of steps where elements may differ, as those with subsections may', () => {
    // Six bytes of a state for each element, and a thousand fields that take none.
    const nothing = Array.from({ length: 1000 }, () => field({ size: 0 }));
    const element = described(nothing, [{ ...described([]), vmsdName: '' }]);
    const elements = 1 + Math.ceil(QEVM_LIMITS.checkSteps / 1000);
    const description = described([field({ size: 6, arrayLength: elements, struct: element })]);
    expect(thrownBy(() => check(bodyOf(description), description))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the description of the state has too many fields',
      details: { expected: `at most ${QEVM_LIMITS.checkSteps}` },
    });
  });

  it('counts an array of 2^53 elements without looking at them', () => {
    const description = described([field({ arrayLength: Number.MAX_SAFE_INTEGER })]);
    expect(thrownBy(() => check(new Uint8Array(1), description))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
