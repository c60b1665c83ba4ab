import { everyTenant } from "../../../event/names.ts";
import type { ShownLaneState } from "../../model/entity.ts";
import { lastOfTypeSql } from "../../projections/entities.ts";
import { laneKind } from "../../projections/lane-counts.ts";
import { allOf, isOf, oneOf } from "../context.ts";
import type { HandlerRow } from "../deliveries/handler-rows.ts";
import { type LaneRow, laneColumns } from "../deliveries/lane-rows.ts";
import { handlerState, laneState, stuckCalls } from "../deliveries/lane-state.ts";
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

/** By handler: entities of which it wants an event. One pass for all of them. */
export async function countEntities(counting: Counting): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  const { db } = counting.sources;
  for (const beside of entitiesOf(counting))
    for await (const { sql, parameters } of partsOf(db, beside, counting.turns))
      for (const { handler, entities } of db().all<{ handler: string; entities: number }>(
        `select w.handler, count(distinct t.entity) as entities
         from (select n.id from ${beside.from} where ${sql}) e cross join entity_types t on t.entity = e.id
         cross join temp.wanted w indexed by wanted_by_type on w.type = t.type and (w.since = 0 or w.since < (select ${lastOfTypeSql} from entities n where n.id = t.entity)) group by w.handler`,
        ...parameters,
      ))
        counted.set(handler, (counted.get(handler) ?? 0) + entities);
  return counted;
}

/** Of one tenant, type by type: SQLite finds no place in an index by its last column and a row's number together, so each part walked all entities. */
function* entitiesOf({ sources: { db }, tenant }: Counting): Generator<Beside, void> {
  const by = [["n.id", -1]] as const;
  if (tenant === everyTenant) {
    yield { from: "entities n not indexed", where: allOf([]), by };
    return;
  }
  for (let last = ""; ; ) {
    const next = db().get<{ type: string }>(
      "select type from entities indexed by entities_by_type where tenant = ? and type > ? order by type limit 1",
      tenant,
      last,
    );
    if (next === undefined) return;
    last = next.type;
    yield { from: "entities n indexed by entities_by_type", where: allOf([oneOf("n.tenant", [tenant]), oneOf("n.type", [last])]), by };
  }
}
