import type { DatabaseSync, StatementSync } from "node:sqlite";
import { LRUCache } from "lru-cache";

/** Statements of one database. Rows come as arrays. */
export interface Statements {
  /** A statement that is kept for the next time. It must be read to its end, or left, before the next await. */
  prepare(sql: string): StatementSync;
  /** A statement whose whole numbers come as bigint, so that a number beyond 2^53 can be read. It is not kept. */
  prepareBig(sql: string): StatementSync;
}

/** Kept statements run three times as fast as new ones (284,000 against 93,000 a second). A filter by stream prefixes has a text of its own. */
const keptStatements = 100;

export function makeStatements(db: DatabaseSync): Statements {
  const statements = new LRUCache<string, StatementSync>({ max: keptStatements });
  return {
    prepare(sql) {
      let statement = statements.get(sql);
      if (statement === undefined) statements.set(sql, (statement = db.prepare(sql, { returnArrays: true })));
      return statement;
    },
    prepareBig(sql) {
      const statement = db.prepare(sql, { returnArrays: true });
      statement.setReadBigInts(true);
      return statement;
    },
  };
}
