/** The numbers that rows know entities by. */
import type { StoredEvent } from "../event/event.ts";
import { parseStreamName } from "../event/names.ts";
import type { ViewDatabase } from "./database.ts";
import type { EntityKey } from "./entity-cache.ts";

/** The entity of a stream. Made when new: a journal may tell of a stream whose events the log has no more (revision −1 then). */
export function entityOf(db: ViewDatabase, stream: string): EntityKey {
  let key = db.entities.get(stream);
  if (key === undefined) db.entities.set(stream, (key = { ...(read(db, stream) ?? make(db, stream)), pending: null }));
  return key;
}

/** The entity of an event of its stream. That of a first event is made before it is looked for: it is nearly always new. */
export function entityOfEvent(db: ViewDatabase, { stream, tenant, entity: { type, id }, revision }: StoredEvent): EntityKey {
  let key = db.entities.get(stream);
  if (key !== undefined) return key;
  const made = revision === 0 ? db.insert(`${insert} on conflict (stream) do nothing`, stream, tenant, type, id) : null;
  if (made === null) return entityOf(db, stream);
  db.entities.set(stream, (key = { id: made, tenant, type, revision: -1, position: 0, pending: null }));
  return key;
}

const insert = "insert into entities(stream, tenant, type, entity, revision, position, recorded_ms) values (?, ?, ?, ?, -1, 0, 0)";

function read(db: ViewDatabase, stream: string): Omit<EntityKey, "pending"> | undefined {
  return db.get("select id, tenant, type, revision, position from entities where stream = ?", stream);
}

function make(db: ViewDatabase, stream: string): Omit<EntityKey, "pending"> {
  const { tenant, entity } = parseStreamName(stream) ?? { tenant: "", entity: { type: "", id: "" } };
  return { id: db.insert(insert, stream, tenant, entity.type, entity.id)!, tenant, type: entity.type, revision: -1, position: 0 };
}
