import { checkpointSql, type HandlerRow } from "../deliveries/handler-rows.ts";
import { hasRow, isInGap } from "../deliveries/untouched.ts";
import { partsOf } from "../parts.ts";
import { type Counting, eventsOf, hasMoving, laneKinds, lanesFrom, movingLanesOf, positions } from "./counting.ts";
import { eventsOfPieces, gathered, type Piece, piecesOf } from "./pieces.ts";
import { firstStanding, standingWithCalls, waitingIn } from "./standing-lanes.ts";

interface Untouched {
  running: number;
  held: number;
  pending: number;
  oldestMs: number | null;
}

/** A lane holds what comes. Its parameter is the handler's order. */
const isBlocked = "(l.paused = 1 or l.why is not null or (? = 'strict' and l.letters > 0))";

/**
 * Wanted events without outcome and without a record of their own: in detached lanes from `next` on, elsewhere beyond the checkpoint. In lanes that stand still they
 * are counted as they come; it reads each of the others, 2 µs apiece.
 */
export async function countUntouched(counting: Counting, handler: HandlerRow, running: string): Promise<Untouched> {
  const { name, ordering, checkpoint } = handler;
  const passed = checkpointSql(handler, "e.entity");
  const { sources, tenant, turns } = counting;
  const { db } = sources;
  const all: Untouched = { running: 0, held: 0, pending: 0, oldestMs: null };
  type Counts = { readonly running: number; readonly held: number; readonly pending: number; readonly oldest: number | null };
  const add = ({ running, held, pending, oldest }: Counts) => {
    all.running += running;
    all.held += held;
    all.pending += pending;
    all.oldestMs = leastOf(all.oldestMs, oldest);
  };
  const counts = `select count(*) filter (where runs) as running, count(*) filter (where not runs and blocked) as held,
      count(*) filter (where not runs and not blocked) as pending, min(recorded_ms) filter (where not runs) as oldest`;
  const columns = "e.recorded_ms, e.position in (select value from json_each(?)) as runs";
  const exists = (sql: string) => db().get(sql, name) !== undefined;
  // Most handlers have none of these, and a look for each event costs as much as the event.
  const rows = exists("select 1 from deliveries indexed by deliveries_by_handler where handler = ? limit 1") ? `and not ${hasRow("w.handler")}` : "";
  const gaps = exists("select 1 from gaps indexed by gaps_by_handler where handler = ? limit 1") ? `and not ${isInGap("w.handler")}` : "";
  // Attached lanes are further than the checkpoint, or have dead letters; of these only an act on the whole handler, as another order, blocks any.
  const kinds = laneKinds(counting, name);
  const lanes = kinds.length > 0 ? "left join lanes l on l.entity = e.entity and l.handler = w.handler" : "";
  const free = kinds.length > 0 ? "and (l.next is null or (l.detached = 0 and e.revision >= l.next))" : "";
  const blocks = kinds.length > 0 ? `coalesce(${isBlocked}, 0)` : "0";
  const wanted = "cross join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position";

  const walk = async (ranges: Iterable<Piece>) => {
    for (const pieces of gathered(ranges)) {
      if (turns.due()) await turns.next();
      const sql = `${piecesOf} ${counts} from (select ${columns}, l.blocked from ${eventsOfPieces} ${wanted} where true ${rows} ${gaps})`;
      add(db().get<Counts>(sql, pieces, running, name)!);
    }
  };

  const withCalls = standingWithCalls(counting, name, running);
  await walk(withCalls);
  all.held = waitingIn(kinds) - all.running;
  all.oldestMs = leastOf(all.oldestMs, firstStanding(counting, name, kinds, withCalls));
  for await (const part of hasMoving(kinds) ? partsOf(db, movingLanesOf(counting, name), turns) : []) {
    const moving = db().all<{ entity: number; next: number; head: number; blocked: 0 | 1 }>(
      `select l.entity, l.next, n.revision as head, ${isBlocked} as blocked
         from ${lanesFrom} cross join entities n on n.id = l.entity and n.revision >= l.next where ${part.sql}`,
      ordering,
      ...part.parameters,
    );
    await walk(moving.map(({ entity, next, head, blocked }): Piece => ({ entity, low: next, high: head, beyond: 0, blocked })));
  }
  const events = eventsOf(tenant);
  // Of one partition, the walk begins there.
  const ahead = handler.partitions === 1 ? { sql: "", parameters: [] } : { sql: `and e.position > ${passed.sql}`, parameters: passed.parameters };
  for await (const { low, high } of positions(counting, checkpoint, Number.MAX_SAFE_INTEGER))
    add(
      db().get<Counts>(
        `${counts} from (select ${columns}, ${blocks} as blocked from ${events.from} ${wanted} ${lanes}
           where ${events.where.sql} and e.position > ? and e.position <= ? ${ahead.sql} ${rows} ${gaps} ${free})`,
        running,
        ...(kinds.length > 0 ? [ordering] : []),
        name,
        ...events.where.parameters,
        low,
        high,
        ...ahead.parameters,
      )!,
    );
  return all;
}

function leastOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}
