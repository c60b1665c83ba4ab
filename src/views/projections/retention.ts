import { replayStream } from "../../event/names.ts";
import type { ArchivedRange } from "../../records/retention.ts";
import type { ViewDatabase } from "../database.ts";
import type { EntityKey } from "../entity-cache.ts";
import { entityOf } from "../entity-keys.ts";
import type { DeliveryStatus } from "../model/delivery.ts";
import type { Folding, Latest, Projection } from "../projection.ts";
import { positionsBetween } from "../queries/entity-events.ts";
import { entities } from "./entities.ts";

/**
 * Forgets what left the log, as a rebuild would never see it: rows of archived events, and of their deliveries. Who comes last in the order of projections finds
 * all rows that the events have.
 */
export const retention: Projection<"retention"> = {
  takes: ["retention"],
  tables: `
    -- How many events were forgotten so far: what was counted before is of no use then.
    create table forgotten(one integer primary key check (one = 1), events integer not null) strict;
  `,
  apply(folding, input) {
    const { db } = folding;
    switch (input.entry.type) {
      case "retention.archived":
        entities.settle!(folding); // where entities end is read below
        for (const range of input.entry.data.streams) forget(folding, range);
        return;
      case "retention.removed":
        for (const table of ["minutes", "days"]) db.run(`delete from ${table} where last_position < (select min(position) from events)`);
        return;
      case "retention.forgotten":
        for (const [stream] of input.entry.data.streams) if (stream.startsWith(replayPrefix)) forgetReplay(folding, stream.slice(replayPrefix.length));
    }
  },
};

const replayPrefix = replayStream("");

const eventsOf = `select e.position, e.type, e.tenant, e.schema_version as version from (select ? as entity, ? as low, ? as high) r
  cross join ${positionsBetween("r.entity", "r.low", "r.high")} p cross join events e not indexed on e.position = p.value`;

function forget({ db, latest }: Folding, [stream, first, before, position, recordedAt]: ArchivedRange): void {
  const entity = entityOf(db, stream);
  const last = before - 1;
  const rows = db.all<{ position: number; type: string; tenant: string; version: number }>(eventsOf, entity.id, first, last);
  for (const row of rows) {
    db.run("delete from events where position = ?", row.position);
    latest.types.add(row.tenant, row.type, row.version, -1);
  }
  if (rows.length > 0) {
    const through = rows.reduce((most, row) => Math.max(most, row.position), 0);
    forgetTypes(db, latest, entity, through);
    db.run("insert into forgotten values (1, ?) on conflict do update set events = events + excluded.events", rows.length);
  }
  db.run("delete from event_marks where entity = ? and revision < ?", entity.id, before);
  for (const { handler, type, status } of db.all<{ handler: string; type: string; status: DeliveryStatus }>(
    "delete from deliveries where entity = ? and revision between ? and ? returning handler, type, status",
    ...[entity.id, first, last],
  ))
    latest.deliveries.move({ handler, tenant: entity.tenant, type }, status, null);
  for (const table of ["delivery_history", "amendments", "escalations"])
    db.run(`delete from ${table} where entity = ? and revision between ? and ?`, entity.id, first, last);
  db.run("delete from gaps where entity = ? and last < ?", entity.id, before);
  // The log no longer has any event of it: a rebuild knows by this alone that there was such an entity.
  if (position === undefined || recordedAt === undefined || entity.revision > last) return;
  entity.revision = last;
  entity.position = Number(position);
  const at = [entity.revision, entity.position, Date.parse(recordedAt), entity.id];
  db.run("update entities set revision = ?, position = ?, recorded_ms = ? where id = ?", ...at);
}

/** The types of which no event is left. */
function forgetTypes(db: ViewDatabase, { typeSets }: Latest, entity: EntityKey, through: number): void {
  db.run("delete from entity_types where entity = ? and position between 1 and ?", entity.id, through);
  if (entity.position <= through) {
    db.run("delete from entity_types where entity = ?", entity.id);
    entity.lastType = null;
  }
  const left = db.all<{ type: string }>("select type from entity_types where entity = ?", entity.id).map(({ type }) => type);
  entity.typeSet = typeSets.shrunk(db, entity.tenant, entity.typeSet, left);
  db.run("update entities set last_type = ?, type_set = ? where id = ?", entity.lastType, entity.typeSet, entity.id);
}

function forgetReplay({ db }: Folding, id: string): void {
  db.run("delete from replays where id = ?", id);
  for (const table of ["replay_outcomes", "replay_own_outcomes"]) db.run(`delete from ${table} where replay = ?`, id);
}
