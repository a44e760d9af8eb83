/** A deliberate bug: a piece of source that is replaced. It must be there exactly once, or the mutation is out of date. */

export interface Change {
  /** Path within src/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  readonly name: string;
  readonly changes: readonly Change[];
}

/** One replacement. @param file within src/ */
export function mutant(name: string, file: string, from: string, to: string): Mutation {
  return { name, changes: [{ file, from, to }] };
}

/** @throws Error when the mutation does not apply */
export function mutated(file: string, source: string, mutation: Mutation | undefined): string {
  let result = source;
  for (const { from, to } of mutation?.changes.filter((change) => change.file === file) ?? []) {
    const parts = result.split(from);
    if (parts.length !== 2) {
      throw new Error(`mutant '${mutation?.name}' does not apply: src/${file} has ${parts.length - 1} times: ${from}`);
    }
    result = parts.join(to);
  }
  return result;
}
