/** The numbers that rows know entities by. */
import type { StoredEvent } from "../event/event.ts";
import { parseStreamName } from "../event/names.ts";
import { streamHash } from "../event/partition-of.ts";
import type { ViewDatabase } from "./database.ts";
import type { EntityKey } from "./entity-cache.ts";

/** The entity of a stream. It is made if it is new, because a journal may name a stream whose events the log no longer has (revision −1 then). */
export function entityOf(db: ViewDatabase, stream: string): EntityKey {
  let key = db.entities.get(stream);
  if (key === undefined) db.entities.set(stream, (key = { ...(read(db, stream) ?? make(db, stream, parseStreamName(stream) ?? nobody)!), pending: null }));
  return key;
}

const nobody = { tenant: "", entity: { type: "", id: "" } };

/** The entity of an event whose entity is not in memory. For a first event it is made before it is searched, because it is nearly always new. */
export function entityOfEvent(db: ViewDatabase, { stream, tenant, entity, revision }: StoredEvent): EntityKey {
  const made = revision === 0 ? make(db, stream, { tenant, entity }) : null;
  if (made === null) return entityOf(db, stream);
  const key = { ...made, pending: null };
  db.entities.set(stream, key);
  return key;
}

function read(db: ViewDatabase, stream: string): Omit<EntityKey, "pending"> | undefined {
  return db.get("select id, tenant, type, revision, position, last_type as lastType from entities where stream = ?", stream);
}

/** @returns null when the stream has a row. */
function make(db: ViewDatabase, stream: string, { tenant, entity }: Pick<StoredEvent, "tenant" | "entity">): Omit<EntityKey, "pending"> | null {
  const id = db.insert(
    `insert into entities(stream, tenant, type, entity, revision, position, recorded_ms, hash) values (?, ?, ?, ?, -1, 0, 0, ?)
     on conflict (stream) do nothing`,
    ...[stream, tenant, entity.type, entity.id, streamHash(stream)],
  );
  return id === null ? null : { id, tenant, type: entity.type, revision: -1, position: 0, lastType: null };
}
