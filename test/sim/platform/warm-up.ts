/** In place of `agents/warm-up/warm-up.ts`, which carries transfers through files of its own to have the code compiled. */
export async function warmUp(): Promise<void> {}
