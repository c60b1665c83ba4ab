import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { RepriseError } from "../errors.ts";
import { isDamage } from "./damage.ts";
import { EntityKeys } from "./entity-cache.ts";
import { JournalOwners } from "./journal-owners.ts";
import { makeReadTurns, type ReadTurnHooks, type ReadTurns } from "./read-turns.ts";

/**
 * SQLite with its statements kept: preparing one takes three times as long as running it. All calls are synchronous and short.
 * Positions are numbers here: an EventStoreDB position counts bytes, and 2^53 of them are 9 PB.
 */
export interface ViewDatabase {
  /** Several statements without parameters. */
  exec(sql: string): void;
  /** @returns the number of rows changed. */
  run(sql: string, ...parameters: readonly SQLInputValue[]): number;
  /** @returns the row's number; null when there was such a row, and the statement says `do nothing`. */
  insert(sql: string, ...parameters: readonly SQLInputValue[]): number | null;
  get<Row>(sql: string, ...parameters: readonly SQLInputValue[]): Row | undefined;
  all<Row>(sql: string, ...parameters: readonly SQLInputValue[]): readonly Row[];
  /** What `get` gives, as an array in the order of the columns: a row of 18 takes 1.9 µs, where an object takes 3. */
  values<Row extends readonly unknown[]>(sql: string, ...parameters: readonly SQLInputValue[]): Row | undefined;
  readonly entities: EntityKeys;
  readonly journals: JournalOwners;
  /** From now on, damage that a statement meets is reported, and the caller gets VIEW_BEHIND. Whoever gets the report computes the rows anew. */
  watch(onDamage: (error: unknown) => void): void;
  /** Reports that the rows are of no use, for another reason than damage of the file. */
  report(error: Error): void;
  /** From now on another thread writes, and the reads of one turn see one moment. */
  readInTurns<Known>(hooks: ReadTurnHooks<Known>): ReadTurns;
  /** All or nothing of what `work` writes. `work` must not wait. */
  transaction<T>(work: () => T): T;
  /** A transaction over several turns, for a file that nobody else reads: until `commit`, or `rollback`. */
  begin(): void;
  commit(): void;
  rollback(): void;
  /** May be called twice. */
  close(): void;
}

/** Called with each statement before it runs. All statements pass here, so a test can ask for the plan of every one. */
export type WatchStatement = (sql: string, parameters: readonly SQLInputValue[]) => void;

/** Filters make texts of their own; when there are more than this the cache starts again. */
const maxStatements = 500;

/** The longest wait for another connection to the file. Those of Reprise hold it up only for moments. */
const lockPatienceMs = 200;

/** @throws Error with SQLite's code in `errcode`. A file that is no database fails at the first statement. */
export function openDatabase(file: string, told?: WatchStatement): ViewDatabase {
  const database = new DatabaseSync(file, { timeout: lockPatienceMs });
  const prepared = makePrepared(database);
  const preparedForArrays = makePrepared(database, { returnArrays: true });
  const entities = new EntityKeys();
  const journals = new JournalOwners();
  let damaged: ((error: unknown) => void) | null = null;
  let turns: ReadTurns | null = null;
  const checked = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      if (damaged === null || !isDamage(error)) throw error;
      damaged(error);
      throw new RepriseError("VIEW_BEHIND", "The views are damaged, and are computed again from the log.", { cause: error, retryAfterMs: 1000 });
    }
  };
  const read = <T>(act: () => T): T =>
    checked(() => {
      turns?.enter();
      return act();
    });
  const begin = () => checked(() => database.exec("begin immediate"));
  const commit = () => checked(() => database.exec("commit"));
  const rollback = () => {
    entities.clear(); // some may have been made by what is undone
    journals.clear();
    if (database.isTransaction) database.exec("rollback"); // a full disk has done so already
  };
  return {
    entities,
    journals,
    watch: (onDamage) => void (damaged = onDamage),
    report: (error) => damaged?.(error),
    readInTurns: (hooks) => (turns = makeReadTurns(database, hooks)),
    exec: (sql) => checked(() => database.exec(sql)),
    run(sql, ...parameters) {
      told?.(sql, parameters);
      return checked(() => Number(prepared(sql).run(...parameters).changes));
    },
    insert(sql, ...parameters) {
      told?.(sql, parameters);
      const { changes, lastInsertRowid } = checked(() => prepared(sql).run(...parameters));
      return changes === 0 ? null : Number(lastInsertRowid);
    },
    get<Row>(sql: string, ...parameters: readonly SQLInputValue[]) {
      told?.(sql, parameters);
      return read(() => prepared(sql).get(...parameters) as Row | undefined);
    },
    all<Row>(sql: string, ...parameters: readonly SQLInputValue[]) {
      told?.(sql, parameters);
      return read(() => prepared(sql).all(...parameters) as Row[]);
    },
    values<Row extends readonly unknown[]>(sql: string, ...parameters: readonly SQLInputValue[]) {
      told?.(sql, parameters);
      return read(() => preparedForArrays(sql).get(...parameters) as unknown as Row | undefined);
    },
    transaction: (work) => allOrNothing({ begin, commit, rollback }, work),
    begin,
    commit,
    rollback,
    close() {
      if (database.isOpen) database.close();
    },
  };
}

function allOrNothing<T>({ begin, commit, rollback }: Pick<ViewDatabase, "begin" | "commit" | "rollback">, work: () => T): T {
  begin();
  try {
    const result = work();
    commit();
    return result;
  } catch (error) {
    rollback();
    throw error;
  }
}

function makePrepared(database: DatabaseSync, options: { readonly returnArrays?: boolean } = {}): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      if (statements.size >= maxStatements) statements.clear();
      statements.set(sql, (statement = database.prepare(sql, options)));
    }
    return statement;
  };
}
