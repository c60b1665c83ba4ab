/** Of lanes that stand still and are counted as events come: see `counted` of the table `lanes`. */
import { laneKind } from "../../projections/lane-counts.ts";
import type { Counting, LaneKindCount } from "./counting.ts";
import type { Piece } from "./pieces.ts";

/** What waits in all of them. */
export function waitingIn(kinds: readonly LaneKindCount[]): number {
  return kinds.reduce((sum, { waiting }) => sum + waiting, 0);
}

/** Those with a call under way, as pieces: a few. @param running positions as a JSON list. */
export function standingWithCalls({ sources: { db } }: Counting, handler: string, running: string): readonly Piece[] {
  return db().all<Piece>(
    `select distinct l.entity, l.next as low, n.revision as high, 0 as beyond, 1 as blocked from json_each(?) r cross join events e on e.position = r.value
       cross join lanes l on l.entity = e.entity and l.handler = ? and l.counted is not null cross join entities n on n.id = l.entity
     where e.revision >= l.next`,
    ...[running, handler],
  );
}

/** When the first event that waits in one of them was recorded. @param others entities that are left out. */
export function firstStanding({ sources: { db } }: Counting, handler: string, kinds: readonly LaneKindCount[], others: readonly Piece[]): number | null {
  const tenants = new Set(kinds.filter(({ kind, waiting }) => (kind & laneKind.counted) !== 0 && waiting > 0).map(({ tenant }) => tenant));
  let first: number | null = null;
  for (const tenant of tenants) {
    const next = db().get<{ ms: number }>(
      `select l.first_ms as ms from lanes l indexed by lanes_by_first where l.handler = ? and l.tenant = ? and l.first_ms is not null
         and l.entity not in (select value from json_each(?)) order by l.first_ms limit 1`,
      ...[handler, tenant, JSON.stringify(others.map(({ entity }) => entity))],
    );
    if (next !== undefined) first = Math.min(next.ms, first ?? next.ms);
  }
  return first;
}
