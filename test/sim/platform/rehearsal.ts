/** In place of `agents/rehearsal.ts`, which carries a transfer through the agent's own memory to have it compiled. */
export async function rehearse(): Promise<void> {}
