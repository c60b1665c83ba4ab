import { makeTurns, type Turns } from "../../event/turns.ts";
import type { ViewDatabase } from "../database.ts";
import { allOf, type Condition } from "./context.ts";
import { rowsAtOnce } from "./ways.ts";

/** Rows that one index has beside each other, and the columns, all of them together, that it orders these by. */
interface Beside {
  readonly from: string;
  readonly where: Condition;
  readonly by: readonly string[];
}

/** Conditions that each leave a bounded part of the rows: all of them one after another. */
export async function* partsOf(db: () => ViewDatabase, { from, where, by }: Beside, turns: Turns = makeTurns()): AsyncGenerator<Condition, void> {
  const columns = by.join(", ");
  const values = by.map(() => "?").join(", ");
  for (let rest = where; ; ) {
    if (turns.due()) await turns.next();
    const last = db().get<Readonly<Record<string, string | number>>>(
      `select ${by.map((column, index) => `${column} as c${index}`).join(", ")} from ${from} where ${rest.sql} order by ${columns} limit 1 offset ${rowsAtOnce - 1}`,
      ...rest.parameters,
    );
    if (last === undefined) {
      yield rest;
      return;
    }
    const parameters = by.map((_, index) => last[`c${index}`]!);
    yield allOf([rest, { sql: `(${columns}) <= (${values})`, parameters }]);
    rest = allOf([where, { sql: `(${columns}) > (${values})`, parameters }]);
  }
}
