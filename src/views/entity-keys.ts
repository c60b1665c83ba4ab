/** The numbers that rows know entities by. */
import type { StoredEvent } from "../event/event.ts";
import { isEntityStream, parseStreamName } from "../event/names.ts";
import { streamHash } from "../event/partition-of.ts";
import type { ViewDatabase } from "./database.ts";
import type { EntityKey } from "./entity-cache.ts";

/** The entity of a stream. It is made if it is new, because a journal may name a stream whose events the log no longer has (revision −1 then). */
export function entityOf(db: ViewDatabase, stream: string): EntityKey {
  return db.entities.get(stream) ?? keep(db, stream, read(db, stream) ?? make(db, stream, parseStreamName(stream) ?? nobody)!);
}

const nobody = { tenant: "", entity: { type: "", id: "" } };

/** The entity of an event whose entity is not in memory. For a first event it is made before it is searched, because it is nearly always new. */
export function entityOfEvent(db: ViewDatabase, { stream, tenant, entity, revision }: StoredEvent): EntityKey {
  const made = revision === 0 ? make(db, stream, { tenant, entity }) : null;
  return made === null ? entityOf(db, stream) : keep(db, stream, made);
}

/** Reads the entities of later events that are not in memory. One statement takes half of what one for each of them does. */
export function readEntities(db: ViewDatabase, events: readonly StoredEvent[]): void {
  const unknown = new Set<string>();
  for (const { stream, revision } of events) if (revision > 0 && isEntityStream(stream) && db.entities.get(stream) === undefined) unknown.add(stream);
  if (unknown.size < 2) return;
  const found = db.all<Omit<EntityKey, "pending"> & { readonly stream: string }>(
    `select ${columns}, n.stream from json_each(?) wanted cross join entities n on n.stream = wanted.value`,
    JSON.stringify([...unknown]),
  );
  for (const { stream, id, tenant, type, revision, position, lastType, typeSet } of found)
    keep(db, stream, { id, tenant, type, revision, position, lastType, typeSet, pending: null });
}

function keep(db: ViewDatabase, stream: string, key: EntityKey): EntityKey {
  db.entities.set(stream, key);
  return key;
}

const columns = "n.id, n.tenant, n.type, n.revision, n.position, n.last_type as lastType, n.type_set as typeSet";

type Columns = readonly [id: number, tenant: string, type: string, revision: number, position: number, lastType: string | null, typeSet: number | null];

function read(db: ViewDatabase, stream: string): EntityKey | undefined {
  const row = db.values<Columns>(`select ${columns} from entities n where n.stream = ?`, stream);
  if (row === undefined) return undefined;
  const [id, tenant, type, revision, position, lastType, typeSet] = row;
  return { id, tenant, type, revision, position, lastType, typeSet, pending: null };
}

/** @returns null when the stream has a row. */
function make(db: ViewDatabase, stream: string, { tenant, entity }: Pick<StoredEvent, "tenant" | "entity">): EntityKey | null {
  const id = db.insert(
    `insert into entities(stream, tenant, type, entity, revision, position, recorded_ms, hash) values (?, ?, ?, ?, -1, 0, 0, ?)
     on conflict (stream) do nothing`,
    ...[stream, tenant, entity.type, entity.id, streamHash(stream)],
  );
  return id === null ? null : { id, tenant, type: entity.type, revision: -1, position: 0, lastType: null, typeSet: null, pending: null };
}
