/** Holds the rows of two files against one another, table by table, by lookups in SQL: memory stays flat however many there are. */
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type ComparedTable, comparedTables, references } from "./compared-tables.ts";

export interface ViewsDifference {
  readonly table: string;
  /** `missing`: the views lack the row. `too_many`: they alone have it. */
  readonly what: "differs" | "missing" | "too_many";
  readonly key: Readonly<Record<string, unknown>>;
  /** Of a row that differs: the names of the columns that do, never what they hold. */
  readonly columns: readonly string[];
}

export interface ViewsComparison {
  /** How many rows of the views were compared. */
  readonly compared: Readonly<Record<string, number>>;
  /** At most `toldOfTable` of each table. */
  readonly differences: readonly ViewsDifference[];
  readonly differencesTotal: number;
}

export const toldOfTable = 20;

/** A statement gives one row in so many that does not differ, so that the process hears a signal. */
const rowsUntilTurn = 8192;

/** @param live, anew paths. @throws the signal's reason. */
export async function compareViews(live: string, anew: string, signal: AbortSignal): Promise<ViewsComparison> {
  const db = new DatabaseSync(live);
  try {
    db.exec("pragma cache_size = -8192; pragma temp_store = file");
    db.prepare("attach ? as anew").run(anew);
    const compared: Record<string, number> = {};
    const differences: ViewsDifference[] = [];
    let differencesTotal = 0;
    for (const table of comparedTables) {
      const shape = shapeOf(db, table);
      compared[table.table] = countOf(db, table);
      let told = 0;
      for (const statement of [differing(shape, "main", "anew"), lacking(shape, "anew", "main")])
        for (const row of db.prepare(statement).iterate() as IterableIterator<{ readonly found: string | null }>) {
          if (row.found === null) {
            await nextTurn();
            signal.throwIfAborted();
            continue;
          }
          differencesTotal++;
          if (told++ < toldOfTable) differences.push(toDifference(table.table, JSON.parse(row.found) as Found));
        }
      await nextTurn();
      signal.throwIfAborted();
    }
    return { compared, differences, differencesTotal };
  } finally {
    db.close();
  }
}

type Found = Pick<ViewsDifference, "what" | "key"> & { readonly columns: Readonly<Record<string, 0 | 1>> };

function toDifference(table: string, { what, key, columns }: Found): ViewsDifference {
  return { table, what, key, columns: what === "differs" ? Object.keys(columns).filter((name) => columns[name] === 1) : [] };
}

interface Shape extends ComparedTable {
  readonly key: readonly string[];
  readonly told: readonly string[];
  /** All that are compared beside the key. */
  readonly others: readonly string[];
  /** Columns with numbers of rows of other tables. */
  readonly references: readonly string[];
}

function shapeOf(db: DatabaseSync, table: ComparedTable): Shape {
  const columns = db.prepare(`pragma main.table_info(${table.table})`).all() as unknown as readonly { name: string; type: string; pk: number }[];
  const key = table.key ?? columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
  const others = columns.map(({ name }) => name).filter((name) => !key.includes(name) && table.left?.includes(name) !== true);
  const referring = columns.filter(({ name, type }) => type === "INTEGER" && Object.hasOwn(references, name)).map(({ name }) => name);
  return { ...table, key, told: table.told ?? key, others, references: referring };
}

const rowsOf = ({ table, rows }: ComparedTable, file: string): string => rows?.(file) ?? `${file}.${table}`;

function countOf(db: DatabaseSync, table: ComparedTable): number {
  const { where } = table;
  return (
    db.prepare(`select count(*) as rows from ${rowsOf(table, "main")} a ${where === undefined ? "" : `where ${where("main", "a")}`}`).get() as { rows: number }
  ).rows;
}

/** `a` is a row of `from`, `b` the one of `to` that has the same key, as far as there is one. */
function joined(shape: Shape, from: string, to: string): string {
  const { key, references: referring } = shape;
  const joins = referring.map((name) => {
    const { table: other, by } = references[name]!;
    const same = by.map((column) => `b_${name}."${column}" = a_${name}."${column}"`).join(" and ");
    return `left join ${from}.${other} a_${name} on a_${name}.id = a."${name}" left join ${to}.${other} b_${name} on ${same}`;
  });
  const sameKey = key.map((name) => `b."${name}" = ${referring.includes(name) ? `b_${name}.id` : `a."${name}"`}`).join(" and ");
  return `from ${rowsOf(shape, from)} a ${joins.join(" ")} left join ${rowsOf(shape, to)} b on ${sameKey}`;
}

const keyOf = ({ told, references: referring }: Shape): string =>
  `json_object(${told.map((name) => `'${name}', ${referring.includes(name) ? `a_${name}."${references[name]!.told}"` : `a."${name}"`}`).join(", ")})`;

const only = ({ where }: Shape, file: string): string => (where === undefined ? "" : `(${where(file, "a")}) and`);

/** Rows of the views that are others than those of the log, or are too many. */
function differing(shape: Shape, from: string, to: string): string {
  const { key, others, references: referring, as = {}, comparable = {} } = shape;
  const flags = others.map((name) => {
    const [mine, its] = [as[name]?.(from, "a") ?? `a."${name}"`, as[name]?.(to, "b") ?? `b."${name}"`];
    const differs = referring.includes(name) ? `b_${name}.id is not ${its}` : `${mine} is not ${its}`;
    const are = comparable[name]?.("a", "b");
    return [name, are === undefined ? differs : `(${are} and ${differs})`] as const;
  });
  const none = `b."${key[0]!}" is null`;
  const differs = [none, ...flags.map(([, flag]) => flag)].join(" or ");
  const columns = flags.map(([name, flag]) => `'${name}', ${flag}`).join(", ");
  return `select iif(${only(shape, from)} (${differs}), json_object('what', iif(${none}, 'too_many', 'differs'), 'key', ${keyOf(shape)}, 'columns', json_object(${columns})), null)
    as found ${joined(shape, from, to)} where (${only(shape, from)} (${differs})) or abs(random() % ${rowsUntilTurn}) = 0`;
}

/** Rows that the log gives and the views lack. */
function lacking(shape: Shape, from: string, to: string): string {
  const none = `${only(shape, from)} b."${shape.key[0]!}" is null`;
  return `select iif(${none}, json_object('what', 'missing', 'key', ${keyOf(shape)}, 'columns', json_object()), null) as found
    ${joined(shape, from, to)} where (${none}) or abs(random() % ${rowsUntilTurn}) = 0`;
}
