/** How far the partitions of a handler are. With one partition its row among the handlers says it; with several that row has the least of them. */
import type { ViewDatabase } from "../database.ts";
import type { PartitionPlace } from "../journal-owners.ts";
import { divideLanes } from "./lane-row.ts";

export const checkpointTables = `
    -- Of handlers that have had several partitions, however they were divided.
    create table checkpoints(handler text not null, partitions integer not null, partition integer not null, checkpoint integer not null,
      primary key (handler, partitions, partition)) strict, without rowid;
`;

/** Which of a lane's rows belong to a partition; nothing for the only one. @param entity the column with the number of the lane's entity. */
export function inPartition(entity: string, { partition, of }: PartitionPlace): string {
  return of === 1 ? "" : `and (select hash from entities n where n.id = ${entity}) % ${of} = ${partition}`;
}

/** A journal says how far its partition is. */
export function moveCheckpoint(db: ViewDatabase, handler: string, { partition, of }: PartitionPlace, checkpoint: number): void {
  const partitions = partitionsOf(db, handler);
  if (of === 1 && (partitions ?? 1) === 1) {
    db.run(
      "insert into handlers(name, checkpoint) values (?, ?) on conflict do update set checkpoint = max(checkpoint, excluded.checkpoint)",
      handler,
      checkpoint,
    );
    return;
  }
  db.run(
    `insert into checkpoints(handler, partitions, partition, checkpoint) values (?, ?, ?, ?)
     on conflict do update set checkpoint = max(checkpoint, excluded.checkpoint)`,
    handler,
    of,
    partition,
    checkpoint,
  );
  if (partitions === undefined) db.run("insert into handlers(name, partitions) values (?, ?)", handler, of);
  if (partitions === undefined || partitions === of) setLeast(db, handler, of);
}

/** The handler has so many partitions from now on. Where their journals have said before how far they are. */
export function divide(db: ViewDatabase, handler: string, before: number, of: number): void {
  if (before === of) return;
  db.run("update handlers set partitions = ? where name = ?", of, handler);
  divideLanes(db, handler, of);
  setLeast(db, handler, of);
}

export function partitionsOf(db: ViewDatabase, handler: string): number | undefined {
  return db.get<{ partitions: number }>("select partitions from handlers where name = ?", handler)?.partitions;
}

function setLeast(db: ViewDatabase, handler: string, of: number): void {
  db.run(
    `update handlers set checkpoint = (select iif(count(*) = ?, min(c.checkpoint), 0) from checkpoints c where c.handler = handlers.name and c.partitions = ?)
     where name = ?`,
    of,
    of,
    handler,
  );
}
