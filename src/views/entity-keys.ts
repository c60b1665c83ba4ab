/** The numbers that rows know entities by. */
import { parseStreamName } from "../event/names.ts";
import type { ViewDatabase } from "./database.ts";

export interface EntityKey {
  readonly id: number;
  readonly tenant: string;
  readonly type: string;
}

/** The entity of a stream. Made when new: a journal may tell of a stream whose events the log has no more (revision −1 then). */
export function entityOf(db: ViewDatabase, stream: string): EntityKey {
  let key = db.entities.get(stream);
  if (key === undefined) db.entities.set(stream, (key = read(db, stream) ?? make(db, stream)));
  return key;
}

/** False also for an entity that nobody has asked for lately. */
export function isKnownEntity(db: ViewDatabase, stream: string): boolean {
  return db.entities.has(stream);
}

function read(db: ViewDatabase, stream: string): EntityKey | undefined {
  return db.get<EntityKey>("select id, tenant, type from entities where stream = ?", stream);
}

function make(db: ViewDatabase, stream: string): EntityKey {
  const { tenant, entity } = parseStreamName(stream) ?? { tenant: "", entity: { type: "", id: "" } };
  return db.get<EntityKey>(
    "insert into entities(stream, tenant, type, entity, revision, recorded_ms) values (?, ?, ?, ?, -1, 0) returning id, tenant, type",
    stream,
    tenant,
    entity.type,
    entity.id,
  )!;
}
