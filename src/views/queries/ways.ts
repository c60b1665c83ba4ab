/**
 * Ways into the two large tables, and how rows are looked for there: step by step, each statement bounded. SQLite is not left to choose an index: it has
 * no figures of these tables, and took the tenant's index, with all rows, for a look-up by id.
 */

import { everyTenant } from "../../event/names.ts";
import { makeTurns } from "../../event/turns.ts";
import type { ViewDatabase } from "../database.ts";
import { type Condition, oneOf, type Sources } from "./context.ts";
import { newestFirst } from "./entity-events.ts";
import { fewValues, valuesOf } from "./few-values.ts";

/** Rows that one statement counts, at most: about a millisecond. */
export const rowsAtOnce = 2000;
/** Rows that one statement of a list looks at, in an order: a millisecond, too, because it reads each of them. */
export const listedAtOnce = 500;
/** Rows that one request looks at, at most, where each takes only SQLite's time; a page may be shorter than its limit, and its cursor goes on behind them. */
export const rowsPerPage = 200_000;

interface Table {
  readonly name: string;
  /** The condition of partial indexes, which every wanted row meets. */
  readonly only: string;
  readonly keys: string;
}
export const events: Table = { name: "events", only: "true", keys: "position" };
export const deliveries: Table = { name: "deliveries", only: "true", keys: "position" };
export const letters: Table = { name: "deliveries", only: "letter = 1", keys: "entity, revision, handler, position" };

export interface Way {
  /** Null: the table's primary key. */
  readonly index: string | null;
  /** What rows have in common there; each row has one of them at most. */
  readonly alternatives: readonly Condition[];
  /** Behind these columns the index has the position. */
  readonly ordered: boolean;
  /** The index has each row, not only the wanted ones. */
  readonly whole?: true;
}

/** A way by equal columns, which has its rows in the order of their positions. */
export function by(index: string | null, ...columns: readonly (readonly [column: string, value: string | number])[]): Way {
  return {
    index,
    alternatives: [{ sql: columns.map(([column]) => `${column} = ?`).join(" and "), parameters: columns.map(([, value]) => value) }],
    ordered: true,
  };
}

/**
 * The same for several values of columns, each with each. Null when these are too many for one
 * statement, each of which may give all rows of a step; and when they are not known (a null in their place).
 */
export function byAny(index: string | null, ...columns: readonly (readonly [column: string, values: readonly (string | number)[] | null])[]): Way | null {
  let all: readonly (readonly (readonly [string, string | number])[])[] = [[]];
  for (const [column, values] of columns) {
    if (values === null) return null;
    all = all.flatMap((before) => values.map((value) => [...before, [column, value] as const]));
    if (all.length > fewValues || all.length === 0) return null;
  }
  return { index, alternatives: all.flatMap((each) => by(index, ...each).alternatives), ordered: true };
}

/** All rows there are. */
export const everything: Way = { index: null, alternatives: [{ sql: "true", parameters: [] }], ordered: true };

/** The tenants that a filter means, of whose columns ways are made; null for more than ways are made for. */
export function tenantsOf({ db }: Pick<Sources, "db">, tenant: string): readonly string[] | null {
  if (tenant !== everyTenant) return [tenant];
  return valuesOf(db(), "tenant", "tenant_types");
}

export type Direction = "up" | "down";
interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Step {
  /** A select of the keys of some rows, not many more than `rowsAtOnce`, in no order. */
  readonly keys: Condition;
  /** How many they are, about. */
  readonly rows: number;
  /** All rows up to this position, included, have been looked at; null: there are no more. */
  readonly reached: number | null;
}

/** @param range positions, both included. */
export async function* stepsOf(
  source: () => ViewDatabase,
  table: Table,
  ways: readonly [Way, ...Way[]],
  direction: Direction,
  { low, high }: Range,
): AsyncGenerator<Step, void> {
  const { way, few } = narrowest(source(), table, ways);
  if (few) {
    yield { keys: keysOf(table, way, { low, high }), rows: rowsAtOnce, reached: null };
    return;
  }
  const down = direction === "down";
  yield* walk(direction, low, high, (from, to) => {
    const { sql, parameters } = keysOf(table, way, { low: from, high: to }, `order by position ${down ? "desc" : "asc"} limit ${listedAtOnce}`);
    const { rows, last } = source().get<Bounds>(`select count(*) as rows, ${down ? "min" : "max"}(position) as last from (${sql})`, ...parameters)!;
    const range = rows < listedAtOnce ? { low: from, high: to } : down ? { low: last!, high: to } : { low: from, high: last! };
    return { rows, last, keys: keysOf(table, way, range) };
  });
}

/** Events of some entities, newest first, below a position, by the links between them. */
export function stepsOfEntities(source: () => ViewDatabase, entities: readonly number[], { low, high }: Range): AsyncGenerator<Step, void> {
  return walk("down", low, high, (_from, to) => {
    const keys: Condition = {
      sql: `${newestFirst} select walk.position from walk where walk.position <= ? limit ${listedAtOnce}`,
      parameters: [JSON.stringify(entities), to + 1, to + 1, to],
    };
    const { rows, last } = source().get<Bounds>(`select count(*) as rows, min(position) as last from (${keys.sql})`, ...keys.parameters)!;
    return { rows, last, keys };
  });
}

interface Bounds {
  readonly rows: number;
  readonly last: number | null;
}

async function* walk(
  direction: Direction,
  low: number,
  high: number,
  look: (low: number, high: number) => Bounds & { readonly keys: Condition },
): AsyncGenerator<Step, void> {
  const turns = makeTurns();
  for (let from = low, to = high; from <= to; ) {
    if (turns.due()) await turns.next();
    const { rows, last, keys } = look(from, to);
    const full = rows >= listedAtOnce;
    yield { keys, rows, reached: full ? last : null };
    if (!full) return;
    if (direction === "down") to = last! - 1;
    else from = last! + 1;
  }
}

/** The way with the fewest rows, when these are few enough to take them all at once; else the first one in the order of positions. */
function narrowest(db: ViewDatabase, table: Table, ways: readonly [Way, ...Way[]]): { readonly way: Way; readonly few: boolean } {
  const first = ways.find(({ ordered }) => ordered) ?? ways[0];
  if (ways.length === 1) return { way: first, few: false };
  let best = { way: first, rows: rowsAtOnce + 1 };
  for (const way of ways) {
    const { sql, parameters } = keysOf(table, way, null, `limit ${rowsAtOnce + 1}`);
    const { rows } = db.get<{ rows: number }>(`select count(*) as rows from (${sql})`, ...parameters)!;
    if (rows < best.rows) best = { way, rows };
  }
  return { way: best.way, few: best.rows <= rowsAtOnce };
}

function keysOf({ name, only, keys }: Table, { index, alternatives, whole }: Way, range: Range | null, end = ""): Condition {
  const between: Condition = range === null ? { sql: "true", parameters: [] } : { sql: "position between ? and ?", parameters: [range.low, range.high] };
  const from = index === null ? (name === "events" ? "events not indexed" : name) : `${name} indexed by ${index}`;
  const selects = alternatives.map(({ sql }) => `select ${keys} from ${from} where ${whole ? "true" : only} and ${sql} and ${between.sql}`);
  const parameters = alternatives.flatMap((each) => [...each.parameters, ...between.parameters]);
  if (selects.length === 1) return { sql: `${selects[0]} ${end}`, parameters };
  if (end === "") return { sql: selects.join(" union all "), parameters };
  return { sql: `${selects.map((select) => `select * from (${select} ${end})`).join(" union all ")} ${end}`, parameters };
}

/** Values of a way that has its rows in another order than that of their positions, at most: a statement has no more parts. */
export const maxUnordered = 100;

/** A way that has its rows in another order than that of their positions. */
export function unordered(index: string | null, column: string, values: readonly (string | number)[]): Way {
  return { index, alternatives: values.map((value) => oneOf(column, [value])), ordered: false };
}
