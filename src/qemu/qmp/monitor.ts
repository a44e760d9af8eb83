/** Somebody who can ask QEMU: a connection of one's own ({@link QmpClient}), or that of a toolstack (the proxy). */

export interface AskOptions {
  /** How long QEMU may take for its answer, milliseconds; undefined for as long as it likes. */
  readonly timeoutMs: number | undefined;
  /** Ends the waiting, with the signal's reason. QEMU goes on with the command. */
  readonly signal?: AbortSignal;
}

export interface Monitor {
  /** Path of its socket, for messages. */
  readonly path: string;
  /** As the greeting said it. */
  readonly qemuVersion: string;
  /**
   * Executes one command.
   * @returns what QEMU returned, whatever that is
   * @throws StubferryError QEMU_REFUSED, QEMU_GONE, QMP_TIMEOUT, QMP_PROTOCOL
   */
  ask(command: string, args: Readonly<Record<string, unknown>>, options: AskOptions): Promise<unknown>;
}
