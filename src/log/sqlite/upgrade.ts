/** Brings a log of an older format to this build's. */
import { DatabaseSync } from "node:sqlite";
import { readHeader } from "./file-header.ts";
import { eventsPerMark, eventsTable, formatWithoutShrinking, headsTable, isSummed, marksTable, streamsTable, tailTable } from "./file-tables.ts";
import { pragma } from "./pragma.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import { dataSum, headSum, rowSum, streamSum, tailSum } from "./sums.ts";

/**
 * Format 1 had an index by stream and revision and no links; format 2 had no checksums. The upgrade is one transaction, so a process killed here leaves the log
 * as it was, and the next start begins again. It takes about 10 s a million events, and needs as much room again as the log has; the file stays that large. The
 * new sums are made from the data as it is, so they do not show older damage.
 *
 * @throws LOG_FULL, with the log as it was.
 */
export function upgradeLogFile(path: string): void {
  if (isSummed(readHeader(path).readUInt32BE(60))) return;
  const db = new DatabaseSync(path, { timeout: 200, enableForeignKeyConstraints: false });
  try {
    const format = pragma(db, "user_version");
    if (isSummed(format)) return; // so says the write-ahead log
    defineSums(db);
    db.exec("pragma synchronous=full; pragma fullfsync=on; pragma checkpoint_fullfsync=on; begin immediate");
    // Links are made anew for format 2, too, because nothing could tell whether one was damaged.
    db.exec(`
      create temp table links (position integer primary key, previous integer not null) strict;
      insert into temp.links select position, lag(position, 1, 0) over (partition by stream_id order by revision) from events;
      alter table events rename to events_old;
      alter table streams rename to streams_old;
      alter table tail rename to tail_old;
      ${streamsTable}
      insert into streams select id, name, tenant, first, stream_sum(id, name, tenant, first) from streams_old;
      ${eventsTable}
      insert into events
        select e.position, e.stream_id, e.revision, l.previous, e.id, e.type, e.schema_version, e.source, e.occurred_at, e.recorded_at, data_sum(e.data),
          row_sum(e.position, e.stream_id, e.revision, l.previous, e.id, e.type, e.schema_version, e.source, e.occurred_at, e.recorded_at, e.metadata, data_sum(e.data)),
          e.metadata, e.data
        from events_old e join temp.links l on l.position = e.position order by e.position;
      ${tailTable}
      insert into tail select one, position, recorded_at, tail_sum(position, recorded_at) from tail_old;
      drop table temp.links;
    `);
    // Only the heads of format 2 hold the last position of a truncated stream.
    if (format === 1)
      db.exec(`create temp table ends as select s.id as stream_id, coalesce(e.revision, s.first - 1) as revision, coalesce(e.position, 0) as position from streams s
        left join (select stream_id, max(revision) as revision, max(position) as position from events group by stream_id) e on e.stream_id = s.id`);
    else db.exec("create temp table ends as select stream_id, revision, position from heads; drop table heads; drop table marks");
    db.exec(`
      drop table events_old;
      drop table streams_old;
      drop table tail_old;
      create index events_by_id on events (id);
      ${headsTable}
      insert into heads select stream_id, revision, position, head_sum(stream_id, revision, position) from temp.ends;
      drop table temp.ends;
      ${marksTable}
      insert into marks select stream_id, revision, position from events where revision > 0 and revision % ${eventsPerMark} = 0;
      pragma user_version=${formatWithoutShrinking};
      commit;
    `);
  } catch (error) {
    throw fromSqliteError(error, `Bringing ${path} to format ${formatWithoutShrinking}`);
  } finally {
    db.close();
  }
}

function defineSums(db: DatabaseSync): void {
  db.function("data_sum", { deterministic: true }, (data) => dataSum(data as string));
  db.function("stream_sum", { deterministic: true }, (id, name, tenant, first) => streamSum(id as number, name as string, tenant as string, first as number));
  db.function("head_sum", { deterministic: true }, (id, revision, position) => headSum(id as number, revision as number, position as number));
  db.function("tail_sum", { deterministic: true }, (position, recordedAtMs) => tailSum(position as number, recordedAtMs as number));
  db.function("row_sum", { deterministic: true, varargs: true }, (...columns) => {
    const [position, streamId, revision, previous, id, type, schemaVersion, source, occurredAt, recordedAtMs, metadata, ofData] = columns as never[];
    return rowSum({ position, streamId, revision, previous, id, type, schemaVersion, source, occurredAt, recordedAtMs, metadata, dataSum: ofData } as never);
  });
}
