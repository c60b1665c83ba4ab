/** A lane in memory, and how its row is written. */
import type { ViewDatabase } from "../database.ts";
import type { EntityKey } from "../entity-cache.ts";
import type { PartitionPlace } from "../journal-owners.ts";

export interface Mark {
  readonly handler: string;
  readonly place: PartitionPlace;
  readonly recordedAt: string;
}

/** A lane as facts move it. */
export interface Lane {
  readonly entity: number;
  readonly handler: string;
  readonly tenant: string;
  readonly partition: number;
  next: number;
  at: number;
  detached: 0 | 1;
  why: string | null;
  detail: string | null;
  attempts: number;
  retry_at: string | null;
  letters: number;
  paused: 0 | 1;
  paused_by: string | null;
  paused_reason: string | null;
  /** Of a lane that stands still: up to which revision of the entity `waiting` counts. Null: only a walk over the lane tells what waits. */
  counted: number | null;
  waiting: number;
  /** When the first that waits was recorded. */
  first_ms: number | null;
}

export interface KeptLane {
  readonly lane: Lane;
  entity: EntityKey;
  readonly isNew: boolean;
  changed: boolean;
  /** It stands still or goes on, or is counted otherwise, than its row says. */
  turned: boolean;
  /** As it is in the counts; null: not yet. */
  kind: number | null;
  /** A fact has changed the lane, and the counts do not have it. */
  touched: boolean;
  /** Of its last second: not written yet. */
  mark: { readonly second: number; readonly recordedAt: string; readonly next: number; readonly detached: 0 | 1 } | null;
}

const rowOf = `select tenant, partition, next, at, detached, why, detail, attempts, retry_at, letters, paused, paused_by, paused_reason, counted, waiting, first_ms
  from lanes where entity = ? and handler = ?`;

type RowColumns = readonly [
  ...[tenant: string, partition: number, next: number, at: number, detached: 0 | 1, why: string | null, detail: string | null, attempts: number],
  ...[retry_at: string | null, letters: number, paused: 0 | 1, paused_by: string | null, paused_reason: string | null],
  ...[counted: number | null, waiting: number, first_ms: number | null],
];

export function findLane(db: ViewDatabase, entity: number, handler: string): Lane | undefined {
  const row = db.values<RowColumns>(rowOf, entity, handler);
  if (row === undefined) return undefined;
  const [tenant, partition, next, at, detached, why, detail, attempts, retry_at, letters, paused, paused_by, paused_reason, counted, waiting, first_ms] = row;
  const pause = { paused, paused_by, paused_reason };
  return { entity, handler, tenant, partition, next, at, detached, why, detail, attempts, retry_at, letters, ...pause, counted, waiting, first_ms };
}

export function writeLane(db: ViewDatabase, { lane, isNew, changed, turned }: KeptLane): void {
  if (!changed) return;
  const { entity, handler, tenant, partition, next, at, detached, why, detail, attempts, retry_at, letters, paused, paused_by, paused_reason } = lane;
  const state = [next, at, why, detail, attempts, retry_at, letters];
  if (!isNew && !turned) {
    db.run(`update lanes set ${moved} where entity = ? and handler = ?`, ...[...state, entity, handler]);
    return;
  }
  const all = [...state, detached, paused, paused_by, paused_reason, lane.counted, lane.waiting, lane.first_ms];
  if (!isNew)
    db.run(
      `update lanes set ${moved}, detached = ?, paused = ?, paused_by = ?, paused_reason = ?, counted = ?, waiting = ?, first_ms = ? where entity = ? and handler = ?`,
      ...[...all, entity, handler],
    );
  else
    db.run(
      `insert into lanes(next, at, why, detail, attempts, retry_at, letters, detached, paused, paused_by, paused_reason, counted, waiting, first_ms,
         entity, handler, tenant, partition) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[...all, entity, handler, tenant, partition],
    );
}

/** Without columns of an index that few lanes are in: SQLite moves a row there whenever a statement names one, even to the same place. */
const moved = "next = ?, at = ?, why = ?, detail = ?, attempts = ?, retry_at = ?, letters = ?";

export function writeMark(db: ViewDatabase, { lane: { entity, handler }, mark }: KeptLane): void {
  if (mark === null) return;
  db.run(
    "insert or replace into lane_marks(entity, handler, second, next, detached, recorded_at) values (?, ?, ?, ?, ?, ?)",
    ...[entity, handler, mark.second, mark.next, mark.detached, mark.recordedAt],
  );
}
