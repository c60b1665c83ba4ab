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
  { handler, place }: Pick<Mark, "handler" | "place">,
  next: number,
  at: number,
  known = laneOf(db, entity, handler),
): boolean {
  if (known === undefined) {
    db.run("insert into lanes(entity, handler, tenant, partition, next, at) values (?, ?, ?, ?, ?, ?)", entity, handler, tenant, place.partition, next, at);
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

/**
 * Forgets the lanes that a partition's checkpoint has passed, as its owner does: what a journal says that was shortened since has no more of them. A look at
 * the lanes of other partitions would find those of one that is behind, each time.
 */
export function forgetPassed(db: ViewDatabase, { handler, place }: Pick<Mark, "handler" | "place">, checkpoint: number): void {
  db.run(
    "delete from lanes indexed by lanes_to_forget where handler = ? and partition = ? and detached = 0 and at <= ? and letters = 0",
    handler,
    place.partition,
    checkpoint,
  );
}

/** The handler has so many partitions from now on. */
export function divideLanes(db: ViewDatabase, handler: string, of: number): void {
  db.run("update lanes set partition = (select n.hash from entities n where n.id = lanes.entity) % ? where handler = ?", of, handler);
}
