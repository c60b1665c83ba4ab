import { makeTurns, type Turns } from "../../event/turns.ts";
import type { ViewDatabase } from "../database.ts";
import { allOf, type Condition } from "./context.ts";
import { rowsAtOnce } from "./ways.ts";

/** Rows that one index has beside each other. */
export interface Beside {
  readonly from: string;
  readonly where: Condition;
  /** The columns that the index orders them by, all together; each with a value below all of its own. */
  readonly by: readonly (readonly [column: string, below: string | number])[];
}

/** Conditions that each leave a bounded part of the rows, both of its ends given: all of them one after another. */
export async function* partsOf(db: () => ViewDatabase, { from, where, by }: Beside, turns: Turns = makeTurns()): AsyncGenerator<Condition, void> {
  const columns = by.map(([column]) => column).join(", ");
  const values = by.map(() => "?").join(", ");
  const names = by.map((_, index) => `c${index}`);
  const named = by.map(([column], index) => `${column} as ${names[index]}`).join(", ");
  for (let low = by.map(([, below]) => below); ; ) {
    if (turns.due()) await turns.next();
    const beyond = allOf([where, { sql: `(${columns}) > (${values})`, parameters: low }]);
    const last = db().get<Readonly<Record<string, string | number>>>(
      `select * from (select ${named} from ${from} where ${beyond.sql} order by ${columns} limit ${rowsAtOnce})
         order by ${names.map((name) => `${name} desc`).join(", ")} limit 1`,
      ...beyond.parameters,
    );
    if (last === undefined) return;
    const high = names.map((name) => last[name]!);
    yield allOf([beyond, { sql: `(${columns}) <= (${values})`, parameters: high }]);
    low = high;
  }
}
