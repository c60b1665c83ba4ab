import { everyTenant } from "../../../event/names.ts";
import type { EntityFilterOptions } from "../../model/entity.ts";
import { allOf, type Condition, ofTenant, oneOf, type Sources } from "../context.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";
import { valuesOf } from "../few-values.ts";
import { byAny, listedAtOnce, tenantsOf, type Way } from "../ways.ts";
import type { EntityRow } from "./entity-row.ts";

/**
 * In the order of their first events. Lanes that do not flow have rows, which are fewer than entities.
 *
 * @returns those of the next rows that match, and up to where all were looked at; null: to the end.
 */
export function nextEntities(
  sources: Sources,
  filter: EntityFilterOptions,
  after: number,
): { readonly rows: readonly EntityRow[]; readonly reached: number | null } {
  const { tenant, entityType } = filter;
  const { sql, parameters } = idsBeyond(sources, filter, after);
  const { looked, last } = sources
    .db()
    .get<{ looked: number; last: number | null }>(`select count(*) as looked, max(id) as last from (${sql})`, ...parameters)!;
  const matching = allOf([...ofTenant("n.tenant", tenant), ...(entityType === undefined ? [] : [oneOf("n.type", [entityType])])]);
  const rows = sources.db().all<EntityRow>(
    `select n.id, n.stream, n.revision, n.recorded_ms from (select distinct id from (${sql})) k cross join entities n not indexed on n.id = k.id
       where ${matching.sql} and n.revision >= 0 order by n.id`,
    ...parameters,
    ...matching.parameters,
  );
  return { rows, reached: looked < listedAtOnce ? null : last };
}

/** A bounded part of the way that has the fewest rows. A tenant's own rows are looked at, unless they lie in too many places. */
function idsBeyond(sources: Sources, { tenant, entityType, laneState, handler }: EntityFilterOptions, after: number): Condition {
  const tenants = tenantsOf(sources, tenant);
  if (laneState !== undefined && laneState !== "flowing" && laneState !== "stuck" && !standsStill(sources, handler)) {
    const handlers = handler === undefined ? handlerRows(sources).map(({ name }) => name) : [handler];
    const way = byAny("lanes_by_handler", ["handler", handlers], ["tenant", tenants]);
    return partOf(way, { table: "lanes", id: "entity", every: "lanes", after });
  }
  let types: readonly string[] | null = null;
  if (entityType !== undefined) types = [entityType];
  else if (tenant !== everyTenant) types = valuesOf(sources.db(), "type", "entities indexed by entities_by_type", oneOf("tenant", [tenant]));
  const way = byAny("entities_by_type", ["tenant", tenants], ["type", types]);
  return partOf(way, { table: "entities", id: "id", every: "entities not indexed", after });
}

interface Part {
  readonly table: string;
  readonly id: string;
  /** Where all rows are, in the order of their ids. */
  readonly every: string;
  readonly after: number;
}

/** @param way whose index has the id behind its columns; null: there is none. */
function partOf(way: Way | null, { table, id, every, after }: Part): Condition {
  const end = `order by ${id} limit ${listedAtOnce}`;
  if (way === null) return { sql: `select ${id} as id from ${every} where ${id} > ? ${end}`, parameters: [after] };
  const selects = way.alternatives.map(({ sql }) => `select ${id} as id from ${table} indexed by ${way.index} where ${sql} and ${id} > ? ${end}`);
  return {
    sql: selects.length === 1 ? selects[0]! : `${selects.map((select) => `select * from (${select})`).join(" union all ")} order by id limit ${listedAtOnce}`,
    parameters: way.alternatives.flatMap(({ parameters }) => [...parameters, after]),
  };
}

/** Whether all lanes of the handler (of any, without one) have a state of its own: then those without rows, too. */
function standsStill(sources: Sources, handler: string | undefined): boolean {
  return handlerRows(sources).some(
    ({ name, paused }) => (handler === undefined || handler === name) && (paused === 1 || sources.running.condition(name).state !== "running"),
  );
}
