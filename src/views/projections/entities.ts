import { entityOf } from "../entity-keys.ts";
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
  apply({ db, latest }, { kind, event }) {
    if (kind !== "event") return;
    const { id } = entityOf(db, event.stream);
    latest.entities.set(id, { revision: event.revision, recordedMs: Date.parse(event.recordedAt) });
    let positions = latest.entityTypes.get(event.type);
    if (positions === undefined) latest.entityTypes.set(event.type, (positions = new Map()));
    positions.set(id, Number(event.position));
  },
  settle({ db, latest }) {
    for (const [id, { revision, recordedMs }] of latest.entities)
      db.run("update entities set revision = ?, recorded_ms = ? where id = ?", revision, recordedMs, id);
    for (const [type, positions] of latest.entityTypes)
      for (const [id, position] of positions)
        db.run("insert into entity_types(entity, type, position) values (?, ?, ?) on conflict do update set position = excluded.position", id, type, position);
    latest.entities.clear();
    latest.entityTypes.clear();
  },
};
