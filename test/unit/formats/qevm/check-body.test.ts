/**
 * The check of a body accepts exactly the bodies that the reader of the fields accepts, but it needs less memory and
 * time.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DescriptionMismatch } from '../../../../src/formats/qevm/body-cursor.js';
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

/** Returns a body that matches a description: zeros, and the headers of subsections. */
function bodyOf({ fields, subsections }: StructDescription): Buffer {
  const bytes = fields.map(({ size, arrayLength = 1, struct }) =>
    Buffer.concat(Array.from({ length: arrayLength }, () => (struct ? bodyOf(struct) : Buffer.alloc(size)))),
  );
  const subsectionBytes = subsections.map((subsection) =>
    Buffer.concat([Buffer.of(0x05), text(subsection.vmsdName), u32(1), bodyOf(subsection)]),
  );
  return Buffer.concat([...bytes, ...subsectionBytes]);
}

/** Any description whose sizes are consistent. */
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
    return 'accepted';
  } catch (error) {
    if (!(error instanceof DescriptionMismatch)) throw error;
    return 'refused';
  }
}

describe('the check of a body', () => {
  it('accepts a body that matches its description', () => {
    fc.assert(
      fc.property(anyStruct, (description) => {
        check(bodyOf(description), description);
      }),
    );
  });

  it('accepts and refuses the same bodies as the reader of the fields', () => {
    fc.assert(
      fc.property(anyStruct, fc.infiniteStream(fc.nat()), (description, numbers) => {
        const body = bodyOf(description);
        const [at = 0, value = 0, length = 0] = numbers.take(3);
        if (body.length > 0) body[at % body.length] = value;
        const damaged = length % 3 === 0 ? body.subarray(0, length % (body.length + 1)) : body;
        expect(outcome(() => check(damaged, description))).toBe(outcome(() => readFields(damaged, description)));
      }),
    );
  });

  it('refuses an array of elements without bytes, as the reader does', () => {
    const description = described([field({ size: 0, arrayLength: 2 ** 40 })]);
    const refusal = expect.objectContaining({
      offset: 0,
      expected: 'elements of at least a byte in field',
      found: `${2 ** 40} of no bytes`,
    });
    expect(() => check(new Uint8Array(0), description)).toThrow(DescriptionMismatch);
    expect(thrownBy(() => check(new Uint8Array(0), description))).toEqual(refusal);
    expect(thrownBy(() => readFields(new Uint8Array(0), description))).toEqual(refusal);
  });

  it('reads only one element of an array whose elements have the same layout', () => {
    let reads = 0;
    const inner = described([field({ size: 8 })]);
    const counted: StructDescription = {
      ...inner,
      get fields() {
        reads += 1;
        return inner.fields;
      },
    };
    check(new Uint8Array(8 * 1000), described([field({ size: 8, arrayLength: 1000, struct: counted })]));
    // The first read finds out whether there are subsections; the second one checks the first element.
    expect(reads).toBe(2);
  });

  it('counts the fields of all bodies of a state', () => {
    const budget = new CheckBudget();
    // One byte less than the limit of fields.
    const almostAll = QEVM_LIMITS.stateFields - 1;
    check(new Uint8Array(almostAll), described([field({ arrayLength: almostAll })]), budget);
    check(new Uint8Array(1), described([field({})]), budget);
    expect(thrownBy(() => check(new Uint8Array(1), described([field({})]), budget))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the state has too many fields',
      details: { expected: `at most ${QEVM_LIMITS.stateFields}` },
    });
  });

  it('counts the elements of an array of structs, and the fields in each of them', () => {
    const inner = described([field({}), field({})]);
    const budget = new CheckBudget();
    check(new Uint8Array(20), described([field({ size: 2, arrayLength: 10, struct: inner })]), budget);
    // Ten structs with two fields each.
    expect(budget.fields.left).toBe(QEVM_LIMITS.stateFields - 30);
  });

  it('limits the steps for elements whose layout may differ, such as elements with subsections', () => {
    // Each element takes six bytes of the state and has a thousand fields without bytes.
    const emptyFields = Array.from({ length: 1000 }, () => field({ size: 0 }));
    const element = described(emptyFields, [{ ...described([]), vmsdName: '' }]);
    const elements = 1 + Math.ceil(QEVM_LIMITS.checkSteps / 1000);
    const description = described([field({ size: 6, arrayLength: elements, struct: element })]);
    expect(thrownBy(() => check(bodyOf(description), description))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the description of the state has too many fields',
      details: { expected: `at most ${QEVM_LIMITS.checkSteps}` },
    });
  });

  it('counts an array of 2^53 elements without reading them', () => {
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
