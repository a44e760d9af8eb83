/** The interface for executing QMP commands. */

/** Options of {@link Monitor.execute}. */
export interface ExecuteOptions {
  /** How long QEMU may take to reply, in milliseconds; undefined for no limit. */
  readonly timeoutMs: number | undefined;
  /** An abort ends the wait with the signal's reason. QEMU still executes the command. */
  readonly signal?: AbortSignal;
}

/** A QMP monitor: stubferry's own connection (`QmpClient`), or the connection of a toolstack through the QMP proxy. */
export interface Monitor {
  /** The path of its socket, for messages. */
  readonly path: string;
  /** The version of QEMU from the greeting. */
  readonly qemuVersion: string;
  /**
   * Executes one command.
   * @returns the `return` value of QEMU's reply, not validated
   * @throws StubferryError QEMU_REFUSED, QEMU_GONE, QMP_TIMEOUT, QMP_PROTOCOL
   */
  execute(command: string, args: Readonly<Record<string, unknown>>, options: ExecuteOptions): Promise<unknown>;
}
