/** The state of deliveries and lanes, derived from the rows as DELIVERY §3 says. All reads here are synchronous: one moment of the rows. */

import { deliveryId } from "../../event/ids.ts";
import type { Turns } from "../../event/turns.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { DeliveryStatus, DeliveryView } from "../model/delivery.ts";
import type { ShownLaneState } from "../model.ts";
import { amendmentActs } from "./amendments.ts";
import type { Sources } from "./context.ts";
import { newestFirst, positionsBetween } from "./entity-events.ts";
import { type HandlerRow, holds, type LaneRow, laneState, stuckCalls } from "./lane-state.ts";

/** Of `lanes`. */
export const laneColumns = "handler, next, at, detached, why, detail, retry_at, letters, paused, paused_by, paused_reason";

export interface DeliveryRow {
  readonly handler: string;
  readonly revision: number;
  readonly position: number;
  readonly event_id: string;
  readonly delivery_id: string;
  readonly status: DeliveryStatus;
  readonly letter: 0 | 1;
  readonly attempts: number;
  readonly retry_count: number;
  readonly cause: string | null;
  readonly error_type: string | null;
  readonly error_message: string | null;
  readonly next_attempt_at: string | null;
  readonly replay_id: string | null;
  readonly processed_at: string | null;
}

interface GapRow {
  readonly handler: string;
  readonly first: number;
  readonly last: number;
  readonly recorded_at: string;
}

/** An event as far as its deliveries need it. */
export interface EventKey {
  readonly id: string;
  readonly stream: string;
  /** The stored one. */
  readonly type: string;
  readonly revision: number;
  readonly position: number;
}

/** `letter` is set as long as the delivery has no final outcome but was dead-lettered. */
const open: readonly DeliveryStatus[] = ["failed", "dead_lettered", "escalated"];
/** Nothing of a lane in these states starts at a time that is set. */
const standsStill: readonly ShownLaneState[] = ["paused", "stuck"];

export function handlerRows({ db }: Sources): readonly HandlerRow[] {
  return db().all<HandlerRow>(
    "select name, ordering, checkpoint, paused, paused_by, paused_why, endpoint from handlers where ordering is not null order by name",
  );
}

/** Whether a wanted event without a row of its own is done. */
export function isPassed({ checkpoint }: HandlerRow, lane: LaneRow | undefined, { revision, position }: Pick<EventKey, "revision" | "position">): boolean {
  if (lane !== undefined && revision < lane.next) return true;
  return position <= checkpoint && lane?.detached !== 1;
}

/** Reads deliveries of many events, entity by entity. For one query: it remembers what it read. */
export interface DeliveryReader {
  readonly handlers: readonly HandlerRow[];
  entityId(stream: string): number | undefined;
  lanes(entity: number): ReadonlyMap<string, LaneRow>;
  /** Whether the handler wants events of this stored type at this position. */
  wants(handler: string, type: string, position: number): boolean;
  isRunning(handler: string, stream: string, revision: number): boolean;
  /** The lane of an entity for one of `handlers`. */
  state(handler: HandlerRow, entity: number | undefined, stream: string): ShownLaneState;
  /** When a failed delivery is tried again; null where nothing of its lane starts by itself. */
  nextAttemptAt(handler: HandlerRow, entity: number | undefined, stream: string, row: DeliveryRow): string | null;
  /** By handler's name; of those that want the event, or have a record of it. */
  statuses(event: EventKey): ReadonlyMap<string, DeliveryStatus>;
  deliveries(event: EventKey, withHistory: boolean): readonly DeliveryView[];
}

export function makeDeliveryReader(sources: Sources): DeliveryReader {
  const db = sources.db();
  const handlers = handlerRows(sources);
  const wanted = new Map(handlers.map(({ name }) => [name, new Map<string, number>()]));
  for (const { handler, type, since } of db.all<{ handler: string; type: string; since: number }>("select handler, type, since from temp.wanted"))
    wanted.get(handler)?.set(type, since);
  const running = new Map(
    handlers.map(({ name }) => [name, new Set([...sources.running.running(name)].map(({ stream, revision }) => `${stream}\n${revision}`))]),
  );

  const entityId = memo((stream: string) => db.get<{ id: number }>("select id from entities where stream = ?", stream)?.id);
  const lanes = memo(
    (entity: number): ReadonlyMap<string, LaneRow> =>
      new Map(db.all<LaneRow>(`select ${laneColumns} from lanes where entity = ?`, entity).map((lane) => [lane.handler, lane])),
  );
  const gaps = memo((entity: number) => db.all<GapRow>("select handler, first, last, recorded_at from gaps where entity = ?", entity));

  const wants = (handler: string, type: string, position: number) => position > (wanted.get(handler)?.get(type) ?? Number.POSITIVE_INFINITY);
  const isRunning = (handler: string, stream: string, revision: number) => running.get(handler)?.has(`${stream}\n${revision}`) ?? false;

  const condition = memo((handler: string) => sources.running.condition(handler));
  const stuck = memo((handler: string) => stuckCalls(sources, handler));
  const state = (handler: HandlerRow, entity: number | undefined, stream: string): ShownLaneState =>
    laneState(handler, condition(handler.name), entity === undefined ? undefined : lanes(entity).get(handler.name), stuck(handler.name).has(stream));

  /** When a failed delivery is tried again; null where nothing of its lane starts by itself, at whatever time it was to be. */
  function nextAttemptAt(handler: HandlerRow, entity: number | undefined, stream: string, row: DeliveryRow): string | null {
    return standsStill.includes(state(handler, entity, stream)) || condition(handler.name).state !== "running" ? null : row.next_attempt_at;
  }

  function* judged(event: EventKey) {
    const entity = entityId(event.stream);
    const rows =
      entity === undefined ? [] : db.all<DeliveryRow>("select * from deliveries where entity = ? and revision = ? order by handler", entity, event.revision);
    for (const handler of handlers) {
      const row = rows.find((each) => each.handler === handler.name);
      if (row === undefined && !wants(handler.name, event.type, event.position)) continue;
      const lane = entity === undefined ? undefined : lanes(entity).get(handler.name);
      const gap =
        entity === undefined || row !== undefined
          ? undefined
          : gaps(entity).find((each) => each.handler === handler.name && each.first <= event.revision && event.revision <= each.last);
      const passed = row === undefined && isPassed(handler, lane, event);
      const recorded = row?.status ?? (gap ? "skipped" : passed ? "completed" : lane && holds(handler.ordering, lane) ? "held" : "pending");
      const waits = open.includes(recorded) || recorded === "held" || recorded === "pending";
      const status: DeliveryStatus = waits && isRunning(handler.name, event.stream, event.revision) ? "processing" : recorded;
      yield { handler, entity, row, gap, status };
    }
  }

  const history = (entity: number, revision: number, handler: string): readonly AttemptRecord[] =>
    db
      .all<{ record: string }>(
        "select record from attempts where entity = ? and revision = ? and handler = ? order by position desc",
        entity,
        revision,
        handler,
      )
      .map(({ record }) => JSON.parse(record) as AttemptRecord);

  return {
    handlers,
    entityId,
    lanes,
    wants,
    isRunning,
    state,
    nextAttemptAt,
    statuses: (event) => new Map([...judged(event)].map(({ handler, status }) => [handler.name, status])),
    deliveries: (event, withHistory) =>
      [...judged(event)].map(({ handler, handler: { name }, entity, row, gap, status }) => ({
        deliveryId: deliveryId(name, event.stream, event.id),
        handler: name,
        status,
        attempts: row?.attempts ?? (status === "completed" ? 1 : 0),
        retryCount: row?.retry_count ?? 0,
        error:
          row === undefined || row.error_type === null || status === "completed" || status === "replayed"
            ? null
            : { type: row.error_type, message: row.error_message ?? "" },
        nextAttemptAt: status === "failed" && row !== undefined ? nextAttemptAt(handler, entity, event.stream, row) : null,
        processedAt: row ? row.processed_at : status === "completed" ? completedAt(sources, name, entity, event) : (gap?.recorded_at ?? null),
        replayId: row?.replay_id ?? null,
        history: withHistory && row && entity !== undefined ? history(entity, event.revision, name) : [],
        amendments: withHistory && row && entity !== undefined ? amendmentActs(db, { entity, revision: event.revision, handler: name }) : [],
        effects: [],
      })),
  };
}

/**
 * When an event without a row of its own was done: the record that passed it, exact to a second. In a detached lane that is the lane's,
 * else the handler's checkpoint.
 */
function completedAt({ db }: Sources, handler: string, entity: number | undefined, { revision, position }: EventKey): string | null {
  if (entity !== undefined) {
    const before = db().get<{ second: number; detached: 0 | 1 }>(
      "select second, detached from lane_marks where entity = ? and handler = ? and next <= ? order by second desc limit 1",
      entity,
      handler,
      revision,
    );
    const after =
      before?.detached === 1
        ? db().get<{ recorded_at: string }>(
            "select recorded_at from lane_marks where entity = ? and handler = ? and second > ? and next > ? order by second limit 1",
            entity,
            handler,
            before.second,
            revision,
          )
        : undefined;
    if (after !== undefined) return after.recorded_at;
  }
  const mark = (rest: string, ...parameters: readonly (string | number)[]) =>
    db().get<{ recorded_at: string }>(`select recorded_at from progress_marks where handler = ? ${rest} limit 1`, handler, ...parameters);
  const passed = mark("and checkpoint >= ? order by checkpoint, second", position);
  return (passed ?? mark("order by second desc"))?.recorded_at ?? null; // ahead of the checkpoint: by the last record at the latest
}

export interface Untouched {
  readonly count: number;
  readonly first: readonly (EventKey & { readonly recorded_ms: number })[];
}

/** Revisions of an entity that one statement walks. */
const revisionsAtOnce = 2000;

/** Wanted events of one lane without outcome and without trouble of their own: how many, and the first. A lane may have a million: part by part. */
export async function untouched(
  { db }: Pick<Sources, "db">,
  { name, checkpoint }: HandlerRow,
  lane: LaneRow | undefined,
  entity: number,
  limit: number,
  turns: Turns,
): Promise<Untouched> {
  let from = lane?.next ?? 0;
  if (lane?.detached !== 1) {
    const done = db().get<{ revision: number }>(
      `${newestFirst} select e.revision from walk cross join events e on e.position = walk.position where e.position <= ? limit 1`,
      JSON.stringify([entity]),
      checkpoint + 1,
      checkpoint + 1,
      checkpoint,
    );
    from = Math.max(from, (done?.revision ?? -1) + 1);
  }
  const rest = `from (select ? as entity, ? as low, ? as high) lane cross join ${positionsBetween("lane.entity", "lane.low", "lane.high")} p
      cross join events e not indexed on e.position = p.value
      join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position
    where not exists (select 1 from deliveries d where d.entity = e.entity and d.revision = e.revision and d.handler = w.handler)
      and not exists (select 1 from gaps g where g.entity = e.entity and g.handler = w.handler and e.revision between g.first and g.last)`;
  const head = db().get<{ revision: number }>("select revision from entities where id = ?", entity)?.revision ?? -1;
  let count = 0;
  const first: Untouched["first"][number][] = [];
  for (let low = from; low <= head; low += revisionsAtOnce) {
    if (turns.due()) await turns.next();
    const part = [entity, low, Math.min(low + revisionsAtOnce - 1, head), name] as const;
    const { found } = db().get<{ found: number }>(`select count(*) as found ${rest}`, ...part)!;
    if (found > 0 && first.length < limit)
      first.push(
        ...db().all<Untouched["first"][number]>(
          `select e.id, e.type, e.revision, e.position, e.recorded_ms, (select stream from entities where id = e.entity) as stream ${rest}
             order by e.revision limit ?`,
          ...part,
          limit - first.length,
        ),
      );
    count += found;
  }
  return { count, first };
}

function memo<K, V>(read: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, read(key));
    return known.get(key)!;
  };
}
