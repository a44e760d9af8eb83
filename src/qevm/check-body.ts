/**
 * Whether a body is what its description says, without the fields themselves: nothing is kept and nothing is put into words.
 *
 * It takes one step for each field that is described, not for each element of an array: where no element can have a subsection, all of them
 * are like the first one.
 */
import { BodyCursor, type FieldBudget } from './body-cursor.js';
import type { FieldDescription, StructDescription } from './description.js';

/**
 * @param budget for all bodies of the state
 * @throws Misfit when the bytes are not what is described
 * @throws StubferryError LIMIT_EXCEEDED
 */
export function checkBody(body: Uint8Array, description: StructDescription, budget: FieldBudget): void {
  const check = new BodyCheck(body, budget);
  check.struct(description);
  check.cursor.end();
}

class BodyCheck {
  readonly cursor: BodyCursor;
  readonly #budget: FieldBudget;
  readonly #fixed = new Map<StructDescription, boolean>();

  constructor(body: Uint8Array, budget: FieldBudget) {
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
    this.#budget.take(Math.max(1, elements));
    if (struct === undefined) {
      this.cursor.field(field, elements);
    } else if (elements > 0 && this.#isFixed(struct)) {
      const before = this.#budget.left;
      this.#element(field, struct);
      this.#budget.take((before - this.#budget.left) * (elements - 1));
      this.cursor.field(field, elements - 1);
    } else {
      for (let element = 0; element < elements; element += 1) this.#element(field, struct);
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
