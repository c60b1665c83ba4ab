import type { ViewDatabase } from "../database.ts";
import type { EntityKey } from "../entity-cache.ts";
import { CountedLanes, hasWaiting, unknown } from "./counted-lanes.ts";
import { HandlerWants } from "./handler-wants.ts";
import { findLane, type KeptLane, type Lane, type Mark, writeLane, writeMark } from "./kept-lane.ts";
import { type KindOfLane, kindOf, LaneCounts, laneKind } from "./lane-counts.ts";
import { countWaiting, type Waiting } from "./waiting-events.ts";

/** A lane that has more before it when it comes to stand still is not counted: a walk over a million events, each time, would hold up all others. */
const maxCounted = 1000;

const nothing: Waiting = { waiting: 0, firstMs: null };

/**
 * Lanes that facts were about lately. They are written when a progress says how far their partition is, or the transaction ends: most are attached again by
 * then, and are forgotten with one statement in place of three.
 */
export class LaneRows {
  readonly #handlers = new Map<string, Map<number, KeptLane>>();
  readonly #touched: KeptLane[] = [];
  readonly #counts = new LaneCounts();
  readonly #counted = new CountedLanes();
  readonly #wants = new HandlerWants();

  find(db: ViewDatabase, entity: EntityKey, handler: string): Lane | undefined {
    const known = this.#handlers.get(handler)?.get(entity.id);
    if (known !== undefined) {
      known.entity = entity;
      return known.lane;
    }
    const lane = findLane(db, entity.id, handler);
    if (lane !== undefined) this.#keep({ lane, entity, isNew: false, changed: false, turned: false, kind: kindOf(lane), touched: false, mark: null });
    return lane;
  }

  /**
   * Moves the lane on, never back, and clears what was known of the revisions before. Made, attached, when there is none.
   *
   * @returns `moved`: whether a detached lane has moved, which needs a mark.
   */
  advance(
    db: ViewDatabase,
    entity: EntityKey,
    { handler, place: { partition } }: Pick<Mark, "handler" | "place">,
    next: number,
    at: number,
  ): { readonly lane: Lane; readonly moved: boolean } {
    const lane = this.find(db, entity, handler);
    if (lane === undefined) {
      const made: Lane = {
        ...{ entity: entity.id, handler, tenant: entity.tenant, partition, next, at, detached: 0, why: null, detail: null, attempts: 0, retry_at: null },
        ...{ letters: 0, paused: 0, paused_by: null, paused_reason: null, counted: null, waiting: 0, first_ms: null },
      };
      const kept: KeptLane = { lane: made, entity, isNew: true, changed: true, turned: false, kind: null, touched: false, mark: null };
      this.#keep(kept);
      this.#touch(kept);
      return { lane: made, moved: false };
    }
    const moved = next > lane.next && lane.detached === 1;
    if (next > lane.next) this.change(lane, { next, at: Math.max(lane.at, at), attempts: 0, retry_at: null, why: null });
    else if (at > lane.at) this.change(lane, { at });
    return { lane, moved };
  }

  change(lane: Lane, to: Partial<Lane>): void {
    const kept = this.#kept(lane);
    if ((to.detached ?? lane.detached) !== lane.detached || (to.paused ?? lane.paused) !== lane.paused) kept.turned = true;
    Object.assign(lane, to);
    kept.changed = true;
    this.#touch(kept);
  }

  /** Brings the counts up to date: call it once a fact is folded, before anything else comes. */
  recount(db: ViewDatabase): void {
    for (const kept of this.#touched) {
      kept.touched = false;
      this.#recount(db, kept);
    }
    this.#touched.length = 0;
  }

  /** An event of the entity has come. It waits in each of its lanes that is counted, where the handler wants it. */
  arrived(db: ViewDatabase, entity: EntityKey, type: string, recordedMs: number): void {
    const counted = this.#counted.of(db, entity.id, () => this.write(db));
    if (counted.size === 0) return;
    const place = this.#counted.place(entity.id);
    for (const [handler, { kinds, arrived }] of counted) {
      const kind = kinds[place]!;
      if (kind === 0) continue;
      const since = this.#wants.of(db, handler).types?.get(type);
      if (since === undefined || since >= entity.position) continue;
      this.#counts.add(handler, entity.tenant, kind & ~hasWaiting, 0, 1);
      if (kind & hasWaiting) {
        if (arrived[place] !== unknown) arrived[place]!++;
        continue;
      }
      const lane = this.find(db, entity, handler)!;
      Object.assign(lane, { counted: entity.revision, waiting: 1, first_ms: recordedMs });
      Object.assign(this.#kept(lane), { changed: true, turned: true });
      kinds[place] = kind | hasWaiting;
      arrived[place] = 0;
    }
  }

  /** What the handler wants, or its order, is another. Its lanes are counted again when facts change them; until then a walk tells what waits. */
  configured(db: ViewDatabase, handler: string): void {
    this.#readAnew(db);
    this.#counts.writeUncounted(db, handler);
    db.run("update lanes set counted = null, waiting = 0, first_ms = null where handler = ? and counted is not null", handler);
  }

  retired(db: ViewDatabase, handler: string): void {
    this.#readAnew(db);
    this.#counts.writeNone(db, handler);
    db.run("delete from lanes where handler = ?", handler);
  }

  /** What is known of handlers and of counted lanes is about to be another. */
  #readAnew(db: ViewDatabase): void {
    this.write(db);
    this.#wants.clear();
    this.#counted.clear();
  }

  #recount(db: ViewDatabase, kept: KeptLane): void {
    const { lane, entity, kind } = kept;
    const { handler, tenant } = lane;
    const { strict, types } = this.#wants.of(db, handler);
    const before = lane.counted === null ? 0 : lane.waiting + this.#arrivedSince(db, kept, lane.counted);
    const stands = lane.detached === 1 && (lane.paused === 1 || lane.why !== null || (strict && lane.letters > 0));
    const behind = entity.revision + 1 - lane.next;
    // What comes is counted without a look at its revision, so that it must come behind the lane.
    const waits =
      stands && types !== null && behind >= 0 && behind <= maxCounted ? (behind === 0 ? nothing : countWaiting(db, entity, handler, lane.next, "open")) : null;
    if (waits !== null || lane.counted !== null) kept.turned = true;
    lane.counted = waits === null ? null : entity.revision;
    lane.waiting = waits?.waiting ?? 0;
    lane.first_ms = waits?.firstMs ?? null;
    const now = kindOf(lane);
    if (kind !== now || before !== lane.waiting) {
      if (kind !== null) this.#counts.add(handler, tenant, kind, -1, -before);
      this.#counts.add(handler, tenant, now, 1, lane.waiting);
      kept.kind = now;
    }
    if (((kind ?? 0) | now) & laneKind.counted)
      this.#counted.set(handler, lane.entity, now & laneKind.counted ? now | (lane.first_ms === null ? 0 : hasWaiting) : 0);
  }

  /** What came to wait in a lane after it was counted. A walk over nineteen events takes 26 µs, so it is made only where they came before this process counted them. */
  #arrivedSince(db: ViewDatabase, { lane, entity }: KeptLane, counted: number): number {
    if (counted >= entity.revision) return 0;
    return this.#counted.arrived(lane.handler, lane.entity) ?? countWaiting(db, entity, lane.handler, counted + 1, "all").waiting;
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
    this.recount(db);
    const lanes = this.#handlers.get(handler);
    for (const [entity, kept] of lanes ?? []) {
      const { lane } = kept;
      if (lane.partition !== partition || lane.detached === 1 || lane.at > checkpoint || lane.letters !== 0) continue;
      this.#counts.add(handler, lane.tenant, kept.kind!, -1, 0);
      if (!kept.isNew) db.run("delete from lanes where entity = ? and handler = ?", entity, handler);
      writeMark(db, kept);
      lanes!.delete(entity);
    }
    this.write(db);
    const forgotten = db.all<KindOfLane & { readonly tenant: string }>(
      `delete from lanes indexed by lanes_to_forget where handler = ? and partition = ? and detached = 0 and at <= ? and letters = 0
         returning tenant, paused, why, letters, retry_at, detached, counted`,
      ...[handler, partition, checkpoint],
    );
    for (const lane of forgotten) this.#counts.add(handler, lane.tenant, kindOf(lane), -1, 0);
  }

  /** Call it before a statement that looks at several lanes, or at their marks. */
  write(db: ViewDatabase): void {
    this.recount(db);
    for (const lanes of this.#handlers.values())
      for (const kept of lanes.values()) {
        writeLane(db, kept);
        writeMark(db, kept);
      }
    this.#handlers.clear();
  }

  /** At the end of the transaction. */
  settle(db: ViewDatabase): void {
    this.write(db);
    this.#counts.write(db);
  }

  /** After a transaction that was undone. */
  clear(): void {
    this.#handlers.clear();
    this.#touched.length = 0;
    for (const each of [this.#counts, this.#counted, this.#wants]) each.clear();
  }

  #touch(kept: KeptLane): void {
    if (kept.touched) return;
    kept.touched = true;
    this.#touched.push(kept);
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

/** The handler has so many partitions from now on. */
export function divideLanes(db: ViewDatabase, handler: string, of: number): void {
  db.run("update lanes set partition = (select n.hash from entities n where n.id = lanes.entity) % ? where handler = ?", of, handler);
}
