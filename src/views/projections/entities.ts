import { entityOf } from "../entity-keys.ts";
import { type Projection, recordedMsOf } from "../projection.ts";

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
  apply({ db, latest: { entities } }, { kind, event }) {
    if (kind !== "event") return;
    const { id } = entityOf(db, event.stream);
    const { type, revision } = event;
    const position = Number(event.position);
    const recordedMs = recordedMsOf(event);
    const known = entities.get(id);
    if (known === undefined) {
      entities.set(id, { revision, recordedMs, type, position, others: null });
      return;
    }
    if (known.type !== type) {
      known.others ??= new Map();
      known.others.set(known.type, known.position);
      known.others.delete(type);
      known.type = type;
    }
    known.revision = revision;
    known.recordedMs = recordedMs;
    known.position = position;
  },
  settle({ db, latest: { entities } }) {
    for (const [id, { revision, recordedMs, type, position, others }] of entities) {
      db.run("update entities set revision = ?, recorded_ms = ? where id = ?", revision, recordedMs, id);
      db.run(lastOfType, id, type, position);
      if (others !== null) for (const [type, position] of others) db.run(lastOfType, id, type, position);
    }
    entities.clear();
  },
};

const lastOfType = "insert into entity_types(entity, type, position) values (?, ?, ?) on conflict do update set position = excluded.position";
