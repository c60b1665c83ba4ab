import type { SQLInputValue } from "node:sqlite";

/** Rows of one statement. A statement for each row costs a fifth (the log's events) to a half (the views' rows) more; beyond 16 little is gained. */
const rowsAtOnce = 16;

/**
 * Rows on their way into one SQLite table, sixteen a statement.
 *
 * The statement has to say `insert or rollback`, not the default "or abort". To be able to undo a single statement of several rows, SQLite would copy each page
 * before it changes it, which costs more than the rows.
 */
export class RowBuffer {
  /** The values of rows that no statement has taken yet, row behind row. Written over, because a list that is emptied grows anew each time: 0.4 KB a row. */
  readonly #values: SQLInputValue[];
  #filled = 0;
  readonly #columns: number;
  readonly #run: (sql: string, values: readonly SQLInputValue[]) => void;
  readonly #one: string;
  readonly #many: string;

  /**
   * @param statement the statement around its rows, `(?, ?), (?, ?)`.
   * @param run runs a statement, of two texts for each buffer.
   */
  constructor(columns: number, statement: (rows: string) => string, run: (sql: string, values: readonly SQLInputValue[]) => void) {
    this.#columns = columns;
    this.#values = Array.from({ length: columns * rowsAtOnce }, () => null);
    this.#run = run;
    const row = `(${Array.from({ length: columns }, () => "?").join(", ")})`;
    this.#one = statement(row);
    this.#many = statement(Array.from({ length: rowsAtOnce }, () => row).join(", "));
  }

  /** @param row its values, in the order of the columns. */
  add(...row: readonly SQLInputValue[]): void {
    for (let column = 0; column < row.length; column++) this.#values[this.#filled++] = row[column]!;
    if (this.#filled === this.#values.length) this.write();
  }

  /** Writes all rows that were added. */
  write(): void {
    const values = this.#values;
    if (this.#filled === values.length) this.#run(this.#many, values);
    else for (let row = 0; row < this.#filled; row += this.#columns) this.#run(this.#one, values.slice(row, row + this.#columns));
    this.clear();
  }

  /** Drops the rows that are not written. */
  clear(): void {
    this.#values.fill(null, 0, this.#filled); // large data is not kept
    this.#filled = 0;
  }
}
