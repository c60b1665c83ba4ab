import type { ViewDatabase } from "../database.ts";
import type { EntityKey } from "../entity-cache.ts";
import type { PartitionPlace } from "../journal-owners.ts";

export interface Mark {
  readonly handler: string;
  readonly place: PartitionPlace;
  readonly recordedAt: string;
}

interface LaneKey {
  readonly next: number;
  readonly detached: 0 | 1;
}

export function laneOf(db: ViewDatabase, entity: number, handler: string): LaneKey | undefined {
  return db.get<LaneKey>("select next, detached from lanes where entity = ? and handler = ?", entity, handler);
}

/**
 * Moves the lane on, never back, and clears what was known of the revisions before. Made, attached, when there is none.
 *
 * @returns whether a detached lane has moved: it needs a mark.
 */
export function advance(
  db: ViewDatabase,
  { id: entity, tenant }: Pick<EntityKey, "id" | "tenant">,
  handler: string,
  next: number,
  at: number,
  known = laneOf(db, entity, handler),
): boolean {
  if (known === undefined) {
    db.run("insert into lanes(entity, handler, tenant, next, at) values (?, ?, ?, ?, ?)", entity, handler, tenant, next, at);
    return false;
  }
  if (next > known.next)
    db.run("update lanes set next = ?, at = max(at, ?), attempts = 0, retry_at = null, why = null where entity = ? and handler = ?", next, at, entity, handler);
  else if (at > 0) db.run("update lanes set at = max(at, ?) where entity = ? and handler = ?", at, entity, handler);
  return known.detached === 1 && next > known.next;
}

/** Only for lanes that are or were detached. For a lane that flows, the handler's checkpoint tells the same. */
export function addMark(db: ViewDatabase, entity: number, { handler, recordedAt }: Mark): void {
  db.run(
    `insert or replace into lane_marks(entity, handler, second, next, detached, recorded_at)
     select entity, handler, ?, next, detached, ? from lanes where entity = ? and handler = ?`,
    Math.floor(Date.parse(recordedAt) / 1000),
    recordedAt,
    entity,
    handler,
  );
}
