/** The numbers that rows know entities by. */
import { parseStreamName } from "../event/names.ts";
import type { ViewDatabase } from "./database.ts";
import type { EntityKey } from "./entity-cache.ts";

/** The entity of a stream. Made when new: a journal may tell of a stream whose events the log has no more (revision −1 then). */
export function entityOf(db: ViewDatabase, stream: string): EntityKey {
  let key = db.entities.get(stream);
  if (key === undefined) db.entities.set(stream, (key = { ...(read(db, stream) ?? make(db, stream)), pending: null }));
  return key;
}

function read(db: ViewDatabase, stream: string): Omit<EntityKey, "pending"> | undefined {
  return db.get("select id, tenant, type, revision, position from entities where stream = ?", stream);
}

function make(db: ViewDatabase, stream: string): Omit<EntityKey, "pending"> {
  const { tenant, entity } = parseStreamName(stream) ?? { tenant: "", entity: { type: "", id: "" } };
  return db.get(
    `insert into entities(stream, tenant, type, entity, revision, position, recorded_ms) values (?, ?, ?, ?, -1, 0, 0)
     returning id, tenant, type, revision, position`,
    stream,
    tenant,
    entity.type,
    entity.id,
  )!;
}
