/** Replaces `agents/warm-up/warm-up.ts`, which makes transfers over temporary files so that V8 compiles the code. */
export async function warmUp(): Promise<void> {}
