import { parseStreamName } from "../../event/names.ts";
import type { ViewDatabase } from "../database.ts";
import type { Projection } from "../projection.ts";

/** One row for each stream, numbered in the order of its first event, and the event types it ever held. */
export const entities: Projection = {
  tables: `
    create table entities(
      id integer primary key, stream text not null unique, tenant text not null, type text not null, entity text not null,
      revision integer not null, recorded_ms integer not null
    ) strict;
    create index entities_by_type on entities(tenant, type);
    create index entities_by_name on entities(tenant, entity);
    create table entity_types(entity integer not null, type text not null, position integer not null, primary key (entity, type)) strict, without rowid;
  `,
  apply({ db }, { kind, event }) {
    if (kind !== "event") return;
    const { id } = entityOf(db, event.stream);
    db.run("update entities set revision = ?, recorded_ms = ? where id = ?", event.revision, Date.parse(event.recordedAt), id);
    db.run(
      "insert into entity_types(entity, type, position) values (?, ?, ?) on conflict do update set position = excluded.position",
      id,
      event.type,
      Number(event.position),
    );
  },
};

interface EntityKey {
  readonly id: number;
  readonly tenant: string;
  readonly type: string;
}

/** The entity of a stream. Made when new: a journal may tell of a stream whose events the log has no more (revision −1 then). */
export function entityOf(db: ViewDatabase, stream: string): EntityKey {
  const known = db.get<EntityKey>("select id, tenant, type from entities where stream = ?", stream);
  if (known !== undefined) return known;
  const { tenant, entity } = parseStreamName(stream) ?? { tenant: "", entity: { type: "", id: "" } };
  return db.get<EntityKey>(
    "insert into entities(stream, tenant, type, entity, revision, recorded_ms) values (?, ?, ?, ?, -1, 0) returning id, tenant, type",
    stream,
    tenant,
    entity.type,
    entity.id,
  )!;
}
