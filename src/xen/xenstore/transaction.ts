/**
 * A transaction: its requests see the store as it was when the transaction started, and others see all of its writes or
 * none.
 */
import type { Connection } from './connection.js';

/** A transaction. Create it with {@link XenstoreClient.transaction}. */
export class Transaction {
  /** A transaction belongs to one connection, and ends with it. */
  readonly connection: Connection;
  /** The number that xenstored assigned. */
  readonly id: number;
  /** Whether it is committed or discarded. Its number may belong to another transaction then. */
  isOver = false;

  constructor(connection: Connection, id: number) {
    this.connection = connection;
    this.id = id;
  }
}
