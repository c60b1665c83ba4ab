import type { ShownLaneState } from "../../model/entity.ts";
import type { HandlerRow } from "../deliveries/handler-rows.ts";
import { type LaneRow, laneColumns } from "../deliveries/lane-rows.ts";
import { handlerState, laneState, stuckCalls } from "../deliveries/lane-state.ts";
import { rowsAtOnce } from "../ways.ts";
import type { Counting } from "./counting.ts";

const none: Record<ShownLaneState, number> = { flowing: 0, backing_off: 0, blocked: 0, paused: 0, behind: 0, stuck: 0 };

/** @param entities those of which the handler wants an event. */
export async function countLanes({ sources, turns }: Counting, handler: HandlerRow, entities: number): Promise<Record<ShownLaneState, number>> {
  const { db, running } = sources;
  const { name, ordering } = handler;
  const counts: Record<ShownLaneState, number> = { ...none };
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const part = db().get<{ rows: number; last: number | null; paused: number; blocked: number; backing_off: number; behind: number }>(
      `select count(*) as rows, max(entity) as last, count(*) filter (where paused = 1) as paused, count(*) filter (where paused = 0 and blocked) as blocked,
         count(*) filter (where paused = 0 and not blocked and retry_at is not null) as backing_off,
         count(*) filter (where paused = 0 and not blocked and retry_at is null and detached = 1) as behind
       from (select entity, paused, retry_at, detached, (why is not null or (? = 'strict' and letters > 0)) as blocked
         from lanes indexed by lanes_by_handler where handler = ? and entity > ? order by entity limit ${rowsAtOnce})`,
      ordering,
      name,
      after,
    )!;
    for (const state of ["paused", "blocked", "backing_off", "behind"] as const) counts[state] += part[state];
    if (part.last === null || part.rows < rowsAtOnce) break;
    after = part.last;
  }
  counts.flowing = Math.max(0, entities - counts.paused - counts.blocked - counts.backing_off - counts.behind);
  const { paused, blocked, backing_off, behind, flowing } = counts;
  const condition = running.condition(name);
  // Each state as the rows have it, as it is under this handler.
  if (handlerState(handler, condition) === "paused") return { ...none, paused: entities };
  if (condition.state !== "running") return { ...none, paused, blocked, behind: flowing + backing_off + behind };
  for (const stream of stuckCalls(sources, name).keys()) {
    const lane = db().get<LaneRow>(`select ${laneColumns} from lanes where entity = (select id from entities where stream = ?) and handler = ?`, stream, name);
    if (laneState(handler, condition, lane, true) !== "stuck") continue;
    counts[laneState(handler, condition, lane, false)]--;
    counts.stuck++;
  }
  return counts;
}

/** By handler: entities of which it wants an event. One pass for all of them. */
export async function countEntities({ sources: { db }, turns }: Counting): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = db().get<{ rows: number; last: number | null }>(
      `select count(*) as rows, max(entity) as last from (select entity from entity_types where entity > ? order by entity limit ${rowsAtOnce})`,
      after,
    )!;
    if (last === null) return counted;
    for (const { handler, entities } of db().all<{ handler: string; entities: number }>(
      `select w.handler, count(distinct t.entity) as entities from entity_types t cross join temp.wanted w indexed by wanted_by_type on w.type = t.type and w.since < t.position
       where t.entity > ? and t.entity <= ? group by w.handler`,
      after,
      last,
    ))
      counted.set(handler, (counted.get(handler) ?? 0) + entities);
    if (rows < rowsAtOnce) return counted;
    after = last;
  }
}
