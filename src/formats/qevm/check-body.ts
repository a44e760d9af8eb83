/**
 * Checks that a body matches its description. It does not return the fields, and it makes no texts unless there is an
 * error.
 *
 * The check takes one step for each described field, not for each element of an array: if the elements cannot have
 * subsections, all of them have the layout of the first one.
 */
import { BodyCursor, FieldBudget } from './body-cursor.js';
import type { FieldDescription, StructDescription } from './description.js';
import { QEVM_LIMITS } from './limits.js';

/** The limits for the check of all bodies of a state. */
export class CheckBudget {
  readonly fields = new FieldBudget(QEVM_LIMITS.stateFields, 'the state');
  readonly steps = new FieldBudget(QEVM_LIMITS.checkSteps, 'the description of the state');
}

/**
 * Checks that a body matches its description.
 *
 * @param budget the limits that all bodies of the state share
 * @throws DescriptionMismatch: when the body does not match
 * @throws StubferryError LIMIT_EXCEEDED: when the budget is used up
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

  /** Whether all elements have the same layout: the struct has no subsections at any depth. */
  #isFixed(struct: StructDescription): boolean {
    const known = this.#fixed.get(struct);
    if (known !== undefined) return known;
    const isFixed =
      struct.subsections.length === 0 && struct.fields.every(({ struct: inner }) => !inner || this.#isFixed(inner));
    this.#fixed.set(struct, isFixed);
    return isFixed;
  }
}
