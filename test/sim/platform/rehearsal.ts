/** In place of `agents/rehearsal.ts`, which carries transfers through files of its own to have the code compiled. */
export async function rehearse(): Promise<void> {}
