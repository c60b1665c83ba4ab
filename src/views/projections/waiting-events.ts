import type { ViewDatabase } from "../database.ts";
import type { EntityKey } from "../entity-cache.ts";

export interface Waiting {
  readonly waiting: number;
  /** When the first was recorded. */
  readonly firstMs: number | null;
}

/**
 * What a handler wants of an entity's events from a revision on. It walks back from the last.
 *
 * @param which `open`: without outcome, and without a record of its own.
 */
export function countWaiting(db: ViewDatabase, { id, position }: EntityKey, handler: string, from: number, which: "all" | "open"): Waiting {
  const open = `and not exists (select 1 from deliveries d where d.entity = ? and d.revision = k.revision and d.handler = t.handler)
    and not exists (select 1 from gaps g where g.entity = ? and g.handler = t.handler and k.revision between g.first and g.last)`;
  return db.get<Waiting>(
    `with recursive walk(position, revision, previous, type, recorded_ms) as (
       select e.position, e.revision, e.previous, e.type, e.recorded_ms from events e where e.position = ?
       union all select e.position, e.revision, e.previous, e.type, e.recorded_ms from walk w cross join events e on e.position = w.previous where w.revision > ?)
     select count(*) as waiting, min(k.recorded_ms) as firstMs from walk k cross join handler_types t on t.handler = ? and t.type = k.type and t.since < k.position
       where k.revision >= ? ${which === "open" ? open : ""}`,
    ...[position, from, handler, from, ...(which === "open" ? [id, id] : [])],
  )!;
}
