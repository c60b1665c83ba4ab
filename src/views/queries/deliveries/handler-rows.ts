import { partitionOf } from "../../../event/partition-of.ts";
import type { ViewDatabase } from "../../database.ts";
import type { Condition, Sources } from "../context.ts";

export function handlerRows({ db }: Sources): readonly HandlerRow[] {
  const rows = db().all<Omit<HandlerRow, "checkpoints">>(
    "select name, ordering, partitions, checkpoint, paused, paused_by, paused_why, endpoint from handlers where ordering is not null order by name",
  );
  return rows.map((row) => ({ ...row, checkpoints: row.partitions === 1 ? [row.checkpoint] : checkpointsOf(db(), row) }));
}

function checkpointsOf(db: ViewDatabase, { name, partitions }: Pick<HandlerRow, "name" | "partitions">): readonly number[] {
  const checkpoints = new Array<number>(partitions).fill(0);
  for (const { partition, checkpoint } of db.all<{ partition: number; checkpoint: number }>(
    "select partition, checkpoint from checkpoints where handler = ? and partitions = ?",
    name,
    partitions,
  ))
    checkpoints[partition] = checkpoint;
  return checkpoints;
}

/** How far the handler is with the entity of a stream. */
export function checkpointOf({ partitions, checkpoints }: Pick<HandlerRow, "partitions" | "checkpoints">, stream: string): number {
  return checkpoints[partitionOf(stream, partitions)]!;
}

/** The same of the entity of a row, as SQL. @param entity the column with its number. */
export function checkpointSql({ name, partitions, checkpoint }: HandlerRow, entity: string): Condition {
  if (partitions === 1) return { sql: "?", parameters: [checkpoint] };
  const partition = `(select n.hash from entities n where n.id = ${entity}) % ?`;
  const sql = `coalesce((select c.checkpoint from checkpoints c where c.handler = ? and c.partitions = ? and c.partition = ${partition}), 0)`;
  return { sql, parameters: [name, partitions, partitions] };
}

export interface HandlerRow {
  readonly name: string;
  readonly ordering: "strict" | "relaxed";
  readonly partitions: number;
  /** The least of its partitions. */
  readonly checkpoint: number;
  /** Of each partition. */
  readonly checkpoints: readonly number[];
  readonly paused: 0 | 1;
  readonly paused_by: string | null;
  readonly paused_why: string | null;
  /** Null for a function of this process, which may have effects. */
  readonly endpoint: string | null;
}
