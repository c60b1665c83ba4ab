import type { SQLInputValue } from "node:sqlite";

/** Rows of one statement. A statement for each row costs a fifth (the log's events) to a half (the views' rows) more; beyond 16 little is gained. */
const rowsAtOnce = 16;

/**
 * Rows on their way into one SQLite table, sixteen a statement. A row's values are pushed to `values`, then `added` is called.
 *
 * The statement has to say `insert or rollback`, not the default "or abort". To be able to undo a single statement of several rows, SQLite would copy each page
 * before it changes it, which costs more than the rows.
 */
export class RowBuffer {
  /** The values of rows that no statement has taken yet, row behind row. */
  readonly values: SQLInputValue[] = [];
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
    this.#run = run;
    const row = `(${Array.from({ length: columns }, () => "?").join(", ")})`;
    this.#one = statement(row);
    this.#many = statement(Array.from({ length: rowsAtOnce }, () => row).join(", "));
  }

  added(): void {
    if (this.values.length === this.#columns * rowsAtOnce) this.write();
  }

  /** Writes all rows that were added. */
  write(): void {
    const { values } = this;
    if (values.length === this.#columns * rowsAtOnce) this.#run(this.#many, values);
    else for (let row = 0; row < values.length; row += this.#columns) this.#run(this.#one, values.slice(row, row + this.#columns));
    values.length = 0;
  }

  /** Drops the rows that are not written. */
  clear(): void {
    this.values.length = 0;
  }
}
