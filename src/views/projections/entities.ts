import { type Projection, recordedMsOf } from "../projection.ts";
import { typeSetTables } from "./type-sets.ts";

/** One row for each stream, numbered in the order of its first event, and the event types it ever held. */
export const entities: Projection<"event"> = {
  takes: ["event"],
  tables: `
    -- hash: of the stream's name, modulo a handler's partitions the one that it belongs to. last_type: of its last event; null when all have left the log. type_set: of all its types; null for none.
    create table entities(
      id integer primary key, stream text not null unique, tenant text not null, type text not null, entity text not null,
      revision integer not null, position integer not null, recorded_ms integer not null, hash integer not null, last_type text, type_set integer
    ) strict;
    create index entities_by_name on entities(entity, tenant);
    -- position: of the type's last event. 0 for the type of the entity's last event, whose position is in entities: most events change no row here.
    create table entity_types(entity integer not null, type text not null, position integer not null, primary key (entity, type)) strict, without rowid;
${typeSetTables}  `,
  apply({ latest: { entities } }, input) {
    const { event, entity } = input;
    const { type } = event;
    const recordedMs = recordedMsOf(event);
    const { pending, lastType } = entity;
    if (pending === null) {
      const others = lastType === null || lastType === type ? null : new Map([[lastType, entity.position]]);
      entity.pending = { recordedMs, type, others };
      entities.push(entity);
    } else {
      if (pending.type !== type) {
        pending.others ??= new Map();
        pending.others.set(pending.type, entity.position);
        pending.others.delete(type);
        pending.type = type;
      }
      pending.recordedMs = recordedMs;
    }
    entity.revision = event.revision;
    entity.position = Number(event.position);
  },
  settle({ db, latest: { entities, typeSets } }) {
    for (const entity of entities) {
      const { id, revision, position, pending } = entity;
      const { recordedMs, type, others } = pending!;
      if (entity.lastType !== type || others !== null)
        entity.typeSet = typeSets.grown(db, entity.tenant, entity.typeSet, others === null ? [type] : [...others.keys(), type]);
      db.run(
        "update entities set revision = ?, position = ?, recorded_ms = ?, last_type = ?, type_set = ? where id = ?",
        ...[revision, position, recordedMs, type, entity.typeSet, id],
      );
      if (entity.lastType !== type) db.run(lastOfType, id, type, 0);
      entity.lastType = type;
      if (others !== null) for (const [type, position] of others) db.run(lastOfType, id, type, position);
      entity.pending = null;
    }
    entities.length = 0;
    typeSets.write(db);
    db.entities.settled();
  },
};

/** The position of the last event of a type, of a row `t` of `entity_types` for a row `n` of `entities`. */
export const lastOfTypeSql = "iif(t.position = 0, n.position, t.position)";

const lastOfType = "insert into entity_types(entity, type, position) values (?, ?, ?) on conflict do update set position = excluded.position";
