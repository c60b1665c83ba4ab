import { makeTurns, type Turns } from "../../event/turns.ts";
import { type DeliveryStatus, deliveryStatuses } from "../model/delivery.ts";
import type { HandlerReads, HandlerView } from "../model/handler.ts";
import type { ShownLaneState } from "../model.ts";
import type { Sources } from "./context.ts";
import { handlerRows, laneColumns } from "./deliveries.ts";
import { positionsBetween } from "./entity-events.ts";
import { type HandlerRow, handlerState, type LaneRow, laneState, stuckCalls, whyHandlerStands } from "./lane-state.ts";
import { rowsAtOnce } from "./ways.ts";

/** What one count works with: its moment of the rows, and the turns that all its parts share. */
interface Counting {
  readonly sources: Sources;
  readonly turns: Turns;
}

export function makeHandlerQueries(sources: Sources): HandlerReads {
  /** since → events of each stored type at or below it. What is below a `since` never changes. */
  const before = new Map<number, ReadonlyMap<string, number>>();

  async function eventsUpTo(since: number, { sources: { db }, turns }: Counting): Promise<ReadonlyMap<string, number>> {
    const known = before.get(since);
    if (known !== undefined) return known;
    const counts = new Map<string, number>();
    for await (const { low, high } of positions(db, 0, since, turns))
      for (const { type, events } of db().all<{ type: string; events: number }>(
        "select type, count(*) as events from events not indexed where position > ? and position <= ? group by type",
        low,
        high,
      ))
        counts.set(type, (counts.get(type) ?? 0) + events);
    before.set(since, counts);
    return counts;
  }

  async function countWanted(handler: string, counting: Counting): Promise<number> {
    const rows = counting.sources
      .db()
      .all<{ type: string; since: number; events: number }>(
        "select w.type, w.since, t.events from temp.wanted w join types t on t.type = w.type where w.handler = ?",
        handler,
      );
    let wanted = 0;
    for (const { type, since, events } of rows) wanted += events - (since === 0 ? 0 : ((await eventsUpTo(since, counting)).get(type) ?? 0));
    return wanted;
  }

  return {
    handlers: () =>
      sources.atOneMoment(async (at) => {
        const counting: Counting = { sources: at, turns: makeTurns() };
        const entities = await countEntities(counting);
        const views: HandlerView[] = [];
        for (const handler of handlerRows(at))
          views.push(await handlerView(counting, handler, await countWanted(handler.name, counting), entities.get(handler.name) ?? 0));
        return views;
      }),
  };
}

async function handlerView(counting: Counting, handler: HandlerRow, wanted: number, entities: number): Promise<HandlerView> {
  const { sources } = counting;
  const { name, ordering } = handler;
  const condition = sources.running.condition(name);
  const running = runningPositions(sources, name);
  const rows = await countRows(counting, name, running);
  const rest = await countUntouched(counting, handler, running);
  const counted = Object.fromEntries(deliveryStatuses.map((status) => [status, 0])) as Record<DeliveryStatus, number>;
  counted.pending = rest.pending;
  counted.held = rest.held;
  counted.processing = rest.running;
  for (const { status, count, running } of rows) {
    const open = status === "failed" || status === "dead_lettered" || status === "escalated";
    counted[status] += open ? count - running : count;
    if (open) counted.processing += running;
  }
  counted.skipped += await countGaps(counting, name);
  const waiting = counted.pending + counted.held + counted.processing + counted.failed + counted.dead_lettered + counted.escalated;
  const done = wanted - waiting;
  counted.completed = done - counted.replayed - counted.discarded - counted.skipped;
  return {
    name,
    ordering,
    state: handlerState(handler, condition),
    why: whyHandlerStands(handler, condition),
    fault: condition.fault,
    wanted,
    done,
    waiting,
    lagEvents: rest.pending + rest.held,
    lagSeconds: rest.oldestMs === null ? 0 : Math.max(0, Math.floor((sources.now() - rest.oldestMs) / 1000)),
    byStatus: counted,
    lanes: await countLanes(counting, handler, entities),
  };
}

const none: Record<ShownLaneState, number> = { flowing: 0, backing_off: 0, blocked: 0, paused: 0, behind: 0, stuck: 0 };

/** Positions of what runs, as a JSON list. */
function runningPositions({ db, running }: Sources, handler: string): string {
  const positions = running.running(handler).flatMap(({ stream, revision }) => {
    const found = db().get<{ position: number }>(
      `select p.value as position from (select id as entity, ? as revision from entities where stream = ?) r
         cross join ${positionsBetween("r.entity", "r.revision", "r.revision")} p`,
      revision,
      stream,
    );
    return found === undefined ? [] : [found.position];
  });
  return JSON.stringify(positions);
}

/** Parts of the positions beyond `low` up to `high`, each with a bounded number of events. */
async function* positions(db: Sources["db"], low: number, high: number, turns: Turns): AsyncGenerator<{ readonly low: number; readonly high: number }, void> {
  for (let from = low; from < high; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = db().get<{ rows: number; last: number | null }>(
      `select count(*) as rows, max(position) as last from (select position from events not indexed where position > ? and position <= ? order by position limit ${rowsAtOnce})`,
      from,
      high,
    )!;
    if (last === null) return;
    yield { low: from, high: last };
    if (rows < rowsAtOnce) return;
    from = last;
  }
}

interface StatusCount {
  readonly status: DeliveryStatus;
  readonly count: number;
  readonly running: number;
}

/** Deliveries with rows of their own, status by status. */
async function countRows({ sources: { db }, turns }: Counting, handler: string, running: string): Promise<readonly StatusCount[]> {
  const counts: StatusCount[] = [];
  for (const status of deliveryStatuses) {
    let all = 0;
    let run = 0;
    for (let after = -1; ; ) {
      if (turns.due()) await turns.next();
      const { rows, last } = db().get<{ rows: number; last: number | null }>(
        `select count(*) as rows, max(position) as last from (select position from deliveries indexed by deliveries_by_handler
           where handler = ? and status = ? and position > ? order by position limit ${rowsAtOnce})`,
        handler,
        status,
        after,
      )!;
      if (last === null) break;
      const part = db().get<{ count: number; running: number | null }>(
        `select count(*) as count, sum(d.position in (select value from json_each(?))) as running
           from deliveries d indexed by deliveries_by_handler cross join temp.wanted w on w.handler = d.handler and w.type = d.type and w.since < d.position
         where d.handler = ? and d.status = ? and d.position > ? and d.position <= ?`,
        running,
        handler,
        status,
        after,
        last,
      )!;
      all += part.count;
      run += part.running ?? 0;
      if (rows < rowsAtOnce) break;
      after = last;
    }
    if (all > 0) counts.push({ status, count: all, running: run });
  }
  return counts;
}

/** A piece of an entity's revisions, both included. `beyond`: only events beyond the handler's checkpoint. */
interface Piece {
  readonly entity: number;
  readonly low: number;
  readonly high: number;
  readonly beyond: 0 | 1;
  readonly blocked: 0 | 1;
}

/** Cuts ranges of revisions and gathers them, so that one statement walks a bounded number of events. */
function* gathered(ranges: Iterable<Piece>): Generator<string, void> {
  let pieces: (readonly number[])[] = [];
  let revisions = 0;
  for (const { entity, low, high, beyond, blocked } of ranges)
    for (let from = low; from <= high; from += rowsAtOnce) {
      const to = Math.min(from + rowsAtOnce - 1, high);
      pieces.push([entity, from, to, beyond, blocked]);
      revisions += to - from + 1 + costOfPiece;
      if (revisions < rowsAtOnce) continue;
      yield JSON.stringify(pieces);
      pieces = [];
      revisions = 0;
    }
  if (pieces.length > 0) yield JSON.stringify(pieces);
}

/** Finding where a piece begins walks up to 64 events: about half of them. */
const costOfPiece = 32;

const piecesOf = `with pieces as materialized (select value ->> 0 as entity, value ->> 1 as low, value ->> 2 as high, value ->> 3 as beyond, value ->> 4 as blocked from json_each(?))`;
const eventsOfPieces = `pieces l cross join ${positionsBetween("l.entity", "l.low", "l.high")} p cross join events e not indexed on e.position = p.value`;
const hasRow = (handler: string) => `exists (select 1 from deliveries d where d.entity = e.entity and d.revision = e.revision and d.handler = ${handler})`;

/** Events in holes of their streams that had no record before. */
async function countGaps({ sources: { db }, turns }: Counting, handler: string): Promise<number> {
  let count = 0;
  for (let after: readonly [number, number] = [-1, -1]; ; ) {
    if (turns.due()) await turns.next();
    const gaps = db().all<{ entity: number; first: number; last: number; head: number }>(
      `select g.entity, g.first, g.last, n.revision as head from gaps g indexed by gaps_by_handler cross join entities n on n.id = g.entity
       where g.handler = ? and (g.entity, g.first) > (?, ?) order by g.entity, g.first limit ${rowsAtOnce}`,
      handler,
      ...after,
    );
    const ranges = gaps.map(({ entity, first, last, head }): Piece => ({ entity, low: first, high: Math.min(last, head), beyond: 0, blocked: 0 }));
    for (const pieces of gathered(ranges)) {
      if (turns.due()) await turns.next();
      count += db().get<{ count: number }>(
        `${piecesOf} select count(*) as count from ${eventsOfPieces} join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position
         where not ${hasRow("w.handler")}`,
        pieces,
        handler,
      )!.count;
    }
    const last = gaps.at(-1);
    if (last === undefined || gaps.length < rowsAtOnce) return count;
    after = [last.entity, last.first];
  }
}

interface Untouched {
  running: number;
  held: number;
  pending: number;
  oldestMs: number | null;
}

/** Wanted events without outcome and without a record of their own: in recorded lanes from `next` on, elsewhere beyond the checkpoint. It reads each of them, 2 µs apiece. */
async function countUntouched({ sources: { db }, turns }: Counting, { name, ordering, checkpoint }: HandlerRow, running: string): Promise<Untouched> {
  const all: Untouched = { running: 0, held: 0, pending: 0, oldestMs: null };
  type Counts = { readonly running: number; readonly held: number; readonly pending: number; readonly oldest: number | null };
  const add = ({ running, held, pending, oldest }: Counts) => {
    all.running += running;
    all.held += held;
    all.pending += pending;
    if (oldest !== null) all.oldestMs = Math.min(oldest, all.oldestMs ?? oldest);
  };
  const counts = `select count(*) filter (where runs) as running, count(*) filter (where not runs and blocked) as held,
      count(*) filter (where not runs and not blocked) as pending, min(recorded_ms) filter (where not runs) as oldest`;
  const columns = "e.recorded_ms, e.position in (select value from json_each(?)) as runs";
  const exists = (sql: string) => db().get(sql, name) !== undefined;
  // Most handlers have none of these, and a look for each event costs as much as the event.
  const rows = exists("select 1 from deliveries indexed by deliveries_by_handler where handler = ? limit 1") ? `and not ${hasRow("w.handler")}` : "";
  const gaps = exists("select 1 from gaps indexed by gaps_by_handler where handler = ? limit 1")
    ? "and not exists (select 1 from gaps g where g.entity = e.entity and g.handler = w.handler and e.revision between g.first and g.last)"
    : "";
  const lanes = exists("select 1 from lanes indexed by lanes_by_handler where handler = ? limit 1")
    ? "and not exists (select 1 from lanes l where l.entity = e.entity and l.handler = w.handler)"
    : "";
  const wanted = "join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position";

  for (let after = -1; lanes !== ""; ) {
    if (turns.due()) await turns.next();
    const recorded = db().all<{ entity: number; next: number; head: number; detached: 0 | 1; blocked: 0 | 1 }>(
      `select l.entity, l.next, n.revision as head, l.detached, (l.paused = 1 or l.why is not null or (? = 'strict' and l.letters > 0)) as blocked
         from lanes l indexed by lanes_by_handler cross join entities n on n.id = l.entity where l.handler = ? and l.entity > ? order by l.entity limit ${rowsAtOnce}`,
      ordering,
      name,
      after,
    );
    const ranges = recorded.map(
      ({ entity, next, head, detached, blocked }): Piece => ({ entity, low: next, high: head, beyond: detached === 1 ? 0 : 1, blocked }),
    );
    for (const pieces of gathered(ranges)) {
      if (turns.due()) await turns.next();
      add(
        db().get<Counts>(
          `${piecesOf} ${counts} from (
             select ${columns}, l.blocked from ${eventsOfPieces} ${wanted} where (l.beyond = 0 or e.position > ?) ${rows} ${gaps})`,
          pieces,
          running,
          name,
          checkpoint,
        )!,
      );
    }
    const last = recorded.at(-1);
    if (last === undefined || recorded.length < rowsAtOnce) break;
    after = last.entity;
  }
  for await (const { low, high } of positions(db, checkpoint, Number.MAX_SAFE_INTEGER, turns))
    add(
      db().get<Counts>(
        `${counts} from (select ${columns}, 0 as blocked from events e not indexed ${wanted} where e.position > ? and e.position <= ? ${rows} ${gaps} ${lanes})`,
        running,
        name,
        low,
        high,
      )!,
    );
  return all;
}

/** @param entities those of which the handler wants an event. */
async function countLanes({ sources, turns }: Counting, handler: HandlerRow, entities: number): Promise<Record<ShownLaneState, number>> {
  const { db, running } = sources;
  const { name, ordering } = handler;
  const counts: Record<ShownLaneState, number> = { ...none };
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const part = db().get<{ rows: number; last: number | null; paused: number; blocked: number; backing_off: number; behind: number }>(
      `select count(*) as rows, max(entity) as last, count(*) filter (where paused = 1) as paused, count(*) filter (where paused = 0 and blocked) as blocked,
         count(*) filter (where paused = 0 and not blocked and retry_at is not null) as backing_off,
         count(*) filter (where paused = 0 and not blocked and retry_at is null and detached = 1) as behind
       from (select entity, paused, retry_at, detached, (why is not null or (? = 'strict' and letters > 0)) as blocked
         from lanes indexed by lanes_by_handler where handler = ? and entity > ? order by entity limit ${rowsAtOnce})`,
      ordering,
      name,
      after,
    )!;
    for (const state of ["paused", "blocked", "backing_off", "behind"] as const) counts[state] += part[state];
    if (part.last === null || part.rows < rowsAtOnce) break;
    after = part.last;
  }
  counts.flowing = Math.max(0, entities - counts.paused - counts.blocked - counts.backing_off - counts.behind);
  const { paused, blocked, backing_off, behind, flowing } = counts;
  const condition = running.condition(name);
  // Each state as the rows have it, as it is under this handler.
  if (handlerState(handler, condition) === "paused") return { ...none, paused: entities };
  if (condition.state !== "running") return { ...none, paused, blocked, behind: flowing + backing_off + behind };
  for (const stream of stuckCalls(sources, name).keys()) {
    const lane = db().get<LaneRow>(`select ${laneColumns} from lanes where entity = (select id from entities where stream = ?) and handler = ?`, stream, name);
    if (laneState(handler, condition, lane, true) !== "stuck") continue;
    counts[laneState(handler, condition, lane, false)]--;
    counts.stuck++;
  }
  return counts;
}

/** By handler: entities of which it wants an event. One pass for all of them. */
async function countEntities({ sources: { db }, turns }: Counting): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = db().get<{ rows: number; last: number | null }>(
      `select count(*) as rows, max(entity) as last from (select entity from entity_types where entity > ? order by entity limit ${rowsAtOnce})`,
      after,
    )!;
    if (last === null) return counted;
    for (const { handler, entities } of db().all<{ handler: string; entities: number }>(
      `select w.handler, count(distinct t.entity) as entities from entity_types t cross join temp.wanted w indexed by wanted_by_type on w.type = t.type and w.since < t.position
       where t.entity > ? and t.entity <= ? group by w.handler`,
      after,
      last,
    ))
      counted.set(handler, (counted.get(handler) ?? 0) + entities);
    if (rows < rowsAtOnce) return counted;
    after = last;
  }
}
