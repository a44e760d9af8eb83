/** A transaction: its requests see the store as it was at its start, and others see all of what it wrote or nothing. */
import type { Connection } from './connection.js';

export class Transaction {
  /** It belongs to one connection, and ends with it. */
  readonly connection: Connection;
  /** The number that xenstored gave it. */
  readonly id: number;
  /** Committed or given up: the number may be another one's now. */
  isOver = false;

  constructor(connection: Connection, id: number) {
    this.connection = connection;
    this.id = id;
  }
}
