/**
 * Whether a body is what its description says, without the fields themselves: nothing is kept and nothing is put into words.
 *
 * It takes one step for each field that is described, not for each element of an array: where no element can have a subsection, all of them
 * are like the first one.
 */
import { BodyCursor, FieldBudget } from './body-cursor.js';
import type { FieldDescription, StructDescription } from './description.js';
import { QEVM_LIMITS } from './limits.js';

/** What the check of all bodies of a state may take. */
export class CheckBudget {
  readonly fields = new FieldBudget(QEVM_LIMITS.stateFields, 'the state');
  readonly steps = new FieldBudget(QEVM_LIMITS.checkSteps, 'the description of the state');
}

/**
 * @param budget for all bodies of the state
 * @throws Misfit when the bytes are not what is described
 * @throws StubferryError LIMIT_EXCEEDED
 */
export function checkBody(body: Uint8Array, description: StructDescription, budget: CheckBudget): void {
  const check = new BodyCheck(body, budget);
  check.struct(description);
  check.cursor.end();
}

class BodyCheck {
  readonly cursor: BodyCursor;
  readonly #budget: CheckBudget;
  readonly #fixed = new Map<StructDescription, boolean>();

  constructor(body: Uint8Array, budget: CheckBudget) {
    this.cursor = new BodyCursor(body);
    this.#budget = budget;
  }

  struct({ fields, subsections }: StructDescription): void {
    for (const field of fields) this.#field(field);
    for (const subsection of subsections) {
      this.cursor.subsectionHeader(subsection);
      this.struct(subsection);
    }
  }

  #field(field: FieldDescription): void {
    const { struct } = field;
    const elements = this.cursor.elementsOf(field);
    const { fields, steps } = this.#budget;
    fields.take(Math.max(1, elements));
    steps.take(1);
    if (struct === undefined) {
      this.cursor.skip(field, elements);
    } else if (elements > 0 && this.#isFixed(struct)) {
      const before = fields.left;
      this.#element(field, struct);
      fields.take((before - fields.left) * (elements - 1));
      this.cursor.skip(field, elements - 1);
    } else {
      for (let element = 0; element < elements; element += 1) {
        steps.take(1);
        this.#element(field, struct);
      }
    }
  }

  #element(field: FieldDescription, struct: StructDescription): void {
    const from = this.cursor.offset;
    this.struct(struct);
    this.cursor.endStruct(field, from);
  }

  /** Whether it has no subsections, at any depth: their headers are in the bytes. */
  #isFixed(struct: StructDescription): boolean {
    const known = this.#fixed.get(struct);
    if (known !== undefined) return known;
    const isFixed =
      struct.subsections.length === 0 && struct.fields.every(({ struct: inner }) => !inner || this.#isFixed(inner));
    this.#fixed.set(struct, isFixed);
    return isFixed;
  }
}
