import type { ViewDatabase } from "../database.ts";
import type { EntityKey } from "../entity-cache.ts";
import type { PartitionPlace } from "../journal-owners.ts";

export interface Mark {
  readonly handler: string;
  readonly place: PartitionPlace;
  readonly recordedAt: string;
}

/** A lane as facts move it. Of its row only its pause is not here. */
export interface Lane {
  readonly entity: number;
  readonly handler: string;
  readonly partition: number;
  next: number;
  at: number;
  detached: 0 | 1;
  why: string | null;
  detail: string | null;
  attempts: number;
  retry_at: string | null;
  letters: number;
}

type LaneColumns = readonly [
  ...[partition: number, next: number, at: number, detached: 0 | 1, why: string | null, detail: string | null],
  ...[attempts: number, retry_at: string | null, letters: number],
];

interface KeptLane {
  readonly lane: Lane;
  /** Of a lane without a row; else null. */
  readonly newOf: string | null;
  changed: boolean;
  /** Of its last second: not written yet. */
  mark: { readonly second: number; readonly recordedAt: string; readonly next: number; readonly detached: 0 | 1 } | null;
}

/**
 * Lanes that facts were about lately. They are written when a progress says how far their partition is, or the transaction ends: most are attached again by
 * then, and are forgotten with one statement in place of three.
 */
export class LaneRows {
  readonly #handlers = new Map<string, Map<number, KeptLane>>();

  find(db: ViewDatabase, entity: number, handler: string): Lane | undefined {
    const known = this.#handlers.get(handler)?.get(entity);
    if (known !== undefined) return known.lane;
    const row = db.values<LaneColumns>(
      "select partition, next, at, detached, why, detail, attempts, retry_at, letters from lanes where entity = ? and handler = ?",
      ...[entity, handler],
    );
    if (row === undefined) return undefined;
    const [partition, next, at, detached, why, detail, attempts, retry_at, letters] = row;
    const lane: Lane = { entity, handler, partition, next, at, detached, why, detail, attempts, retry_at, letters };
    this.#keep({ lane, newOf: null, changed: false, mark: null });
    return lane;
  }

  /**
   * Moves the lane on, never back, and clears what was known of the revisions before. Made, attached, when there is none.
   *
   * @returns `moved`: whether a detached lane has moved, which needs a mark.
   */
  advance(
    db: ViewDatabase,
    { id: entity, tenant }: Pick<EntityKey, "id" | "tenant">,
    { handler, place: { partition } }: Pick<Mark, "handler" | "place">,
    next: number,
    at: number,
  ): { readonly lane: Lane; readonly moved: boolean } {
    const lane = this.find(db, entity, handler);
    if (lane === undefined) {
      const made: Lane = { entity, handler, partition, next, at, detached: 0, why: null, detail: null, attempts: 0, retry_at: null, letters: 0 };
      this.#keep({ lane: made, newOf: tenant, changed: true, mark: null });
      return { lane: made, moved: false };
    }
    const moved = next > lane.next && lane.detached === 1;
    if (next > lane.next) this.change(lane, { next, at: Math.max(lane.at, at), attempts: 0, retry_at: null, why: null });
    else if (at > lane.at) this.change(lane, { at });
    return { lane, moved };
  }

  change(lane: Lane, to: Partial<Lane>): void {
    Object.assign(lane, to);
    this.#kept(lane).changed = true;
  }

  /** Only for lanes that are or were detached. For a lane that flows, the handler's checkpoint tells the same. */
  addMark(db: ViewDatabase, lane: Lane, recordedAt: string): void {
    const kept = this.#kept(lane);
    const second = Math.floor(Date.parse(recordedAt) / 1000);
    if (kept.mark !== null && kept.mark.second !== second) writeMark(db, kept);
    kept.mark = { second, recordedAt, next: lane.next, detached: lane.detached };
  }

  /**
   * Forgets the lanes that a partition's checkpoint has passed, as its owner does: what a journal says that was shortened since has no more of them. A look at
   * the lanes of other partitions would find those of one that is behind, each time.
   */
  forgetPassed(db: ViewDatabase, { handler, place: { partition } }: Pick<Mark, "handler" | "place">, checkpoint: number): void {
    const lanes = this.#handlers.get(handler);
    for (const [entity, kept] of lanes ?? []) {
      const { lane } = kept;
      if (lane.partition !== partition || lane.detached === 1 || lane.at > checkpoint || lane.letters !== 0) continue;
      if (kept.newOf === null) db.run("delete from lanes where entity = ? and handler = ?", entity, handler);
      writeMark(db, kept);
      lanes!.delete(entity);
    }
    this.write(db);
    db.run(
      "delete from lanes indexed by lanes_to_forget where handler = ? and partition = ? and detached = 0 and at <= ? and letters = 0",
      ...[handler, partition, checkpoint],
    );
  }

  /** Call it before a statement that looks at several lanes, or at their marks. */
  write(db: ViewDatabase): void {
    for (const lanes of this.#handlers.values())
      for (const kept of lanes.values()) {
        writeLane(db, kept);
        writeMark(db, kept);
      }
    this.clear();
  }

  clear(): void {
    this.#handlers.clear();
  }

  #keep(kept: KeptLane): void {
    const { handler, entity } = kept.lane;
    let lanes = this.#handlers.get(handler);
    if (lanes === undefined) this.#handlers.set(handler, (lanes = new Map()));
    lanes.set(entity, kept);
  }

  #kept({ handler, entity }: Lane): KeptLane {
    return this.#handlers.get(handler)!.get(entity)!;
  }
}

function writeLane(db: ViewDatabase, { lane, newOf, changed }: KeptLane): void {
  if (!changed) return;
  const { entity, handler, partition, next, at, detached, why, detail, attempts, retry_at, letters } = lane;
  const state = [next, at, detached, why, detail, attempts, retry_at, letters];
  if (newOf === null)
    db.run(
      "update lanes set next = ?, at = ?, detached = ?, why = ?, detail = ?, attempts = ?, retry_at = ?, letters = ? where entity = ? and handler = ?",
      ...[...state, entity, handler],
    );
  else
    db.run(
      `insert into lanes(next, at, detached, why, detail, attempts, retry_at, letters, entity, handler, tenant, partition)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[...state, entity, handler, newOf, partition],
    );
}

function writeMark(db: ViewDatabase, { lane: { entity, handler }, mark }: KeptLane): void {
  if (mark === null) return;
  db.run(
    "insert or replace into lane_marks(entity, handler, second, next, detached, recorded_at) values (?, ?, ?, ?, ?, ?)",
    ...[entity, handler, mark.second, mark.next, mark.detached, mark.recordedAt],
  );
}

/** The handler has so many partitions from now on. */
export function divideLanes(db: ViewDatabase, handler: string, of: number): void {
  db.run("update lanes set partition = (select n.hash from entities n where n.id = lanes.entity) % ? where handler = ?", of, handler);
}
