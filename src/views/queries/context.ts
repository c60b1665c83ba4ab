import type { Catalog } from "../../catalog/catalog.ts";
import { everyTenant, parseStreamName } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { ViewDatabase } from "../database.ts";
import type { RunningDeliveries } from "../model/running.ts";

/** What queries read from. */
export interface Sources {
  /** The rows as they are now; ask again after every wait, for a rebuild swaps them. */
  db(): ViewDatabase;
  /** One moment of the rows, for figures that have to fit together: in `work`, `db` stays what it is over several turns. */
  atOneMoment<T>(work: (sources: Sources) => Promise<T>): Promise<T>;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly running: RunningDeliveries;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
}

/** A stored type as filters and answers name it: the catalog's name when it knows one. */
export function currentType(catalog: Catalog, stored: string): string {
  return catalog.resolve(stored) ?? stored;
}

/** The stored types that a filter's event type means. */
export function storedTypes(catalog: Catalog, type: string): readonly string[] {
  const current = catalog.resolve(type);
  return current === undefined ? [type] : catalog.candidates([current]);
}

/** A condition of a `where`, with its parameters. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

export function allOf(conditions: readonly Condition[]): Condition {
  return { sql: conditions.map(({ sql }) => sql).join(" and ") || "true", parameters: conditions.flatMap(({ parameters }) => parameters) };
}

/** Rows of one tenant; of all of them for `*`. */
export function ofTenant(column: string, tenant: string): readonly Condition[] {
  return tenant === everyTenant ? [] : [oneOf(column, [tenant])];
}

/** Whether a stream is a tenant's; any is for `*`. */
export function isOf(tenant: string, stream: string): boolean {
  return tenant === everyTenant || parseStreamName(stream)?.tenant === tenant;
}

/** More values than these are one parameter: a statement takes only so many. */
const maxParameters = 100;

/** `column in (?, ?, …)`. At least one value. */
export function oneOf(column: string, values: readonly (string | number)[]): Condition {
  if (values.length > maxParameters) return { sql: `${column} in (select value from json_each(?))`, parameters: [JSON.stringify(values)] };
  return { sql: values.length === 1 ? `${column} = ?` : `${column} in (${values.map(() => "?").join(", ")})`, parameters: values };
}
