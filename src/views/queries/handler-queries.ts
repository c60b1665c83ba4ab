import { setImmediate as nextTurn } from "node:timers/promises";
import { type DeliveryStatus, deliveryStatuses, type HandlerView, type LaneState, type Views } from "../model.ts";
import type { Sources } from "./context.ts";
import { handlerRows, laneColumns } from "./deliveries.ts";
import { above, positionsBetween } from "./entity-events.ts";
import { type HandlerRow, handlerState, type LaneRow, laneState, stuckCalls, whyHandlerStands } from "./lane-state.ts";

export function makeHandlerQueries(sources: Sources): Pick<Views, "handlers"> {
  /** since → events of each stored type at or below it. What is below a `since` never changes. */
  const before = new Map<number, ReadonlyMap<string, number>>();

  function countBefore(since: number, type: string): number {
    if (since === 0) return 0;
    let counts = before.get(since);
    if (counts === undefined) {
      const rows = sources.db().all<{ type: string; events: number }>("select type, count(*) as events from events where position <= ? group by type", since);
      before.set(since, (counts = new Map(rows.map(({ type, events }) => [type, events]))));
    }
    return counts.get(type) ?? 0;
  }

  function countWanted(handler: string): number {
    const rows = sources
      .db()
      .all<{ type: string; since: number; events: number }>(
        "select w.type, w.since, t.events from temp.wanted w join types t on t.type = w.type where w.handler = ?",
        handler,
      );
    return rows.reduce((sum, { type, since, events }) => sum + events - countBefore(since, type), 0);
  }

  return {
    async handlers() {
      const views: HandlerView[] = [];
      for (const { name } of handlerRows(sources)) {
        const handler = handlerRows(sources).find((each) => each.name === name)!; // as it is now, after the wait
        views.push(handlerView(sources, handler, countWanted(name)));
        await nextTurn(); // a long backlog takes a while to count
      }
      return views;
    },
  };
}

function handlerView(sources: Sources, handler: HandlerRow, wanted: number): HandlerView {
  const { name, ordering } = handler;
  const condition = sources.running.condition(name);
  const running = runningPositions(sources, name);
  const rows = countRows(sources, name, running);
  const rest = countUntouched(sources, handler, running);
  const counted = Object.fromEntries(deliveryStatuses.map((status) => [status, 0])) as Record<DeliveryStatus, number>;
  counted.pending = rest.pending;
  counted.held = rest.held;
  counted.processing = rest.running;
  for (const { status, count, running } of rows) {
    const open = status === "failed" || status === "dead_lettered" || status === "escalated";
    counted[status] += open ? count - running : count;
    if (open) counted.processing += running;
  }
  counted.skipped += countGaps(sources, name);
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
    lanes: countLanes(sources, handler),
  };
}

const none: Record<LaneState, number> = { flowing: 0, backing_off: 0, blocked: 0, paused: 0, behind: 0, stuck: 0 };

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

function countRows({ db }: Sources, handler: string, running: string) {
  return db().all<{ status: DeliveryStatus; count: number; running: number }>(
    `select d.status, count(*) as count, sum(d.position in (select value from json_each(?))) as running
     from deliveries d join temp.wanted w on w.handler = d.handler and w.type = d.type and w.since < d.position
     where d.handler = ? group by d.status`,
    running,
    handler,
  );
}

/** Events in holes of their streams that had no record before. */
function countGaps({ db }: Sources, handler: string): number {
  return db().get<{ count: number }>(
    `select count(*) as count from gaps g cross join ${positionsBetween("g.entity", "g.first", "g.last")} p cross join events e on e.position = p.value
       join temp.wanted w on w.handler = g.handler and w.type = e.type and w.since < e.position
     where g.handler = ? and not exists (select 1 from deliveries d where d.entity = e.entity and d.revision = e.revision and d.handler = g.handler)`,
    handler,
  )!.count;
}

/**
 * Wanted events without outcome and without a record of their own: in recorded lanes from `next` on, elsewhere beyond the checkpoint.
 * It reads each of them, 1 µs apiece. Lists (`not in`) take half the time of correlated `not exists`.
 */
function countUntouched({ db }: Sources, { name, ordering, checkpoint }: HandlerRow, running: string) {
  const counts = (held: string) => `
    select count(*) filter (where runs) as running, count(*) filter (where not runs and ${held}) as held,
      count(*) filter (where not runs and not ${held}) as pending, min(recorded_ms) filter (where not runs) as oldest`;
  const columns = "e.recorded_ms, e.position in (select value from json_each(?)) as runs";
  const untouched = `join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position
    where e.position not in (select position from deliveries where handler = ?)
      and not (e.entity in (select entity from gaps where handler = ?)
        and exists (select 1 from gaps g where g.entity = e.entity and g.handler = w.handler and e.revision between g.first and g.last))`;
  type Counts = { readonly running: number; readonly held: number; readonly pending: number; readonly oldest: number | null };

  const recorded = db().get<Counts>(
    `${counts("blocked")} from (
       select ${columns}, (l.paused = 1 or l.why is not null or (? = 'strict' and l.letters > 0)) as blocked
       from lanes l cross join ${positionsBetween("l.entity", "l.next", String(above))} p
         cross join events e on e.position = p.value and (l.detached = 1 or e.position > ?)
       ${untouched} and l.handler = ?
     )`,
    running,
    ordering,
    checkpoint,
    name,
    name,
    name,
    name,
  )!;
  const others = db().get<Counts>(
    `${counts("false")} from (
       select ${columns} from events e ${untouched} and e.position > ? and e.entity not in (select entity from lanes where handler = ?)
     )`,
    running,
    name,
    name,
    name,
    checkpoint,
    name,
  )!;
  const times = [recorded.oldest, others.oldest].filter((ms) => ms !== null);
  return {
    running: recorded.running + others.running,
    held: recorded.held,
    pending: recorded.pending + others.pending,
    oldestMs: times.length === 0 ? null : times.reduce((oldest, ms) => Math.min(oldest, ms)),
  };
}

function countLanes(sources: Sources, handler: HandlerRow): Record<LaneState, number> {
  const { db, running } = sources;
  const { name, ordering } = handler;
  const states = db().get<{ paused: number; blocked: number; backing_off: number; behind: number }>(
    `select count(*) filter (where paused = 1) as paused, count(*) filter (where paused = 0 and blocked) as blocked,
       count(*) filter (where paused = 0 and not blocked and retry_at is not null) as backing_off,
       count(*) filter (where paused = 0 and not blocked and retry_at is null and detached = 1) as behind
     from (select paused, retry_at, detached, (why is not null or (? = 'strict' and letters > 0)) as blocked from lanes where handler = ?)`,
    ordering,
    name,
  )!;
  const { all } = db().get<{ all: number }>(
    `select count(distinct t.entity) as "all" from entity_types t join temp.wanted w on w.handler = ? and w.type = t.type and w.since < t.position`,
    name,
  )!;
  const { paused, blocked, backing_off, behind } = states;
  const flowing = Math.max(0, all - paused - blocked - backing_off - behind);
  const counts: Record<LaneState, number> = { flowing, backing_off, blocked, paused, behind, stuck: 0 };
  const condition = running.condition(name);
  // Each state as the rows have it, as it is under this handler.
  if (handlerState(handler, condition) === "paused") return { ...none, paused: all };
  if (condition.state !== "running") return { ...none, paused, blocked, behind: flowing + backing_off + behind };
  for (const stream of stuckCalls(sources, name).keys()) {
    const lane = db().get<LaneRow>(`select ${laneColumns} from lanes where entity = (select id from entities where stream = ?) and handler = ?`, stream, name);
    if (laneState(handler, condition, lane, true) !== "stuck") continue;
    counts[laneState(handler, condition, lane, false)]--;
    counts.stuck++;
  }
  return counts;
}
