import { everyTenant } from "../../../event/names.ts";
import type { ShownLaneState } from "../../model/entity.ts";
import { lastOfTypeSql } from "../../projections/entities.ts";
import { laneKind } from "../../projections/lane-counts.ts";
import { furtherSets } from "../../projections/type-sets.ts";
import { allOf, isOf, ofTenant, oneOf } from "../context.ts";
import type { HandlerRow } from "../deliveries/handler-rows.ts";
import { type LaneRow, laneColumns } from "../deliveries/lane-rows.ts";
import { handlerState, laneState, stuckCalls } from "../deliveries/lane-state.ts";
import { namesOf } from "../entities/next-entities.ts";
import { type Beside, partsOf } from "../parts.ts";
import { type Counting, laneKinds } from "./counting.ts";

const none: Record<ShownLaneState, number> = { flowing: 0, backing_off: 0, blocked: 0, paused: 0, behind: 0, stuck: 0 };

/** @param entities those of which the handler wants an event. */
export async function countLanes(counting: Counting, handler: HandlerRow, entities: number): Promise<Record<ShownLaneState, number>> {
  const { sources, tenant } = counting;
  const { db, running } = sources;
  const { name, ordering } = handler;
  const counts: Record<ShownLaneState, number> = { ...none };
  for (const { kind, lanes } of laneKinds(counting, name)) {
    const is = (bit: number) => (kind & bit) !== 0;
    if (is(laneKind.paused)) counts.paused += lanes;
    else if (is(laneKind.why) || (ordering === "strict" && is(laneKind.letters))) counts.blocked += lanes;
    else if (is(laneKind.retry)) counts.backing_off += lanes;
    else if (is(laneKind.detached)) counts.behind += lanes;
  }
  counts.flowing = Math.max(0, entities - counts.paused - counts.blocked - counts.backing_off - counts.behind);
  const { paused, blocked, backing_off, behind, flowing } = counts;
  const condition = running.condition(name);
  // Each state as the rows have it, as it is under this handler.
  if (handlerState(handler, condition) === "paused") return { ...none, paused: entities };
  if (condition.state !== "running") return { ...none, paused, blocked, behind: flowing + backing_off + behind };
  for (const stream of stuckCalls(sources, name).keys()) {
    if (!isOf(tenant, stream)) continue;
    const lane = db().get<LaneRow>(`select ${laneColumns} from lanes where entity = (select id from entities where stream = ?) and handler = ?`, stream, name);
    if (laneState(handler, condition, lane, true) !== "stuck") continue;
    counts[laneState(handler, condition, lane, false)]--;
    counts.stuck++;
  }
  return counts;
}

/** By handler: entities of which it wants an event. By the sets of types that they have, except where a type is wanted from some position on. */
export async function countEntities(counting: Counting): Promise<ReadonlyMap<string, number>> {
  const handlers = counting.sources.db().all<{ handler: string; late: 0 | 1 }>("select handler, max(since) > 0 as late from temp.wanted group by handler");
  const counted = await countBySets(counting);
  const others = counted === null ? handlers : handlers.filter(({ late }) => late === 1);
  if (others.length === 0) return counted!;
  const names = others.map(({ handler }) => handler);
  const walked = await countByWalk(counting, names);
  return new Map(handlers.map(({ handler }) => [handler, (names.includes(handler) ? walked : counted!).get(handler) ?? 0]));
}

/** Null: a tenant has so many sets that some were taken together. */
async function countBySets({ sources: { db }, tenant, turns }: Counting): Promise<ReadonlyMap<string, number> | null> {
  const counted = new Map<string, number>();
  const from = tenant === everyTenant ? "type_sets s not indexed" : "type_sets s indexed by type_sets_by_tenant";
  const sets: Beside = { from, where: allOf(ofTenant("s.tenant", tenant)), by: [["s.id", -1]] };
  for await (const { sql, parameters } of partsOf(db, sets, turns)) {
    if (db().get(`select 1 from ${from} where ${sql} and s.types = '${furtherSets}' limit 1`, ...parameters) !== undefined) return null;
    for (const { handler, entities } of db().all<{ handler: string; entities: number }>(
      `select handler, sum(entities) as entities from (
         select distinct w.handler, s.id, s.entities from ${from} cross join json_each(s.types) t cross join temp.wanted w indexed by wanted_by_type on w.type = t.value where ${sql})
       group by handler`,
      ...parameters,
    ))
      counted.set(handler, (counted.get(handler) ?? 0) + entities);
  }
  return counted;
}

/** One pass for all of these handlers. */
async function countByWalk(counting: Counting, handlers: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  const { db } = counting.sources;
  const wanting = oneOf("w.handler", handlers);
  const beside = entitiesOf(counting);
  for await (const { sql, parameters } of partsOf(db, beside, counting.turns))
    for (const { handler, entities } of db().all<{ handler: string; entities: number }>(
      `select w.handler, count(distinct t.entity) as entities
         from (select n.id from ${beside.from} where ${sql}) e cross join entity_types t on t.entity = e.id
         cross join temp.wanted w indexed by wanted_by_type on w.type = t.type and (w.since = 0 or w.since < (select ${lastOfTypeSql} from entities n where n.id = t.entity)) where ${wanting.sql} group by w.handler`,
      ...parameters,
      ...wanting.parameters,
    ))
      counted.set(handler, (counted.get(handler) ?? 0) + entities);
  return counted;
}

/** A tenant's names are beside each other. */
function entitiesOf({ tenant }: Counting): Beside {
  if (tenant === everyTenant) return { from: "entities n not indexed", where: allOf([]), by: [["n.id", -1]] };
  const { from, below } = namesOf(tenant);
  return { from: "entities n", where: { sql: "n.stream < ?", parameters: [below] }, by: [["n.stream", from]] };
}
