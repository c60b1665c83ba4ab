import { checkpointSql, type HandlerRow } from "../deliveries/handler-rows.ts";
import { partsOf } from "../parts.ts";
import { type Counting, eventsOf, lanesFrom, lanesOf, positions } from "./counting.ts";
import { eventsOfPieces, gathered, hasRow, type Piece, piecesOf } from "./pieces.ts";

interface Untouched {
  running: number;
  held: number;
  pending: number;
  oldestMs: number | null;
}

/** Wanted events without outcome and without a record of their own: in recorded lanes from `next` on, elsewhere beyond the checkpoint. It reads each of them, 2 µs apiece. */
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
  const wanted = "cross join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position";

  for await (const part of partsOf(db, lanesOf(counting, name), turns)) {
    const recorded = db().all<{ entity: number; next: number; head: number; detached: 0 | 1; blocked: 0 | 1 }>(
      `select l.entity, l.next, n.revision as head, l.detached, (l.paused = 1 or l.why is not null or (? = 'strict' and l.letters > 0)) as blocked
         from ${lanesFrom} cross join entities n on n.id = l.entity and n.revision >= l.next where ${part.sql}`,
      ordering,
      ...part.parameters,
    );
    const ranges = recorded.map(
      ({ entity, next, head, detached, blocked }): Piece => ({ entity, low: next, high: head, beyond: detached === 1 ? 0 : 1, blocked }),
    );
    for (const pieces of gathered(ranges)) {
      if (turns.due()) await turns.next();
      add(
        db().get<Counts>(
          `${piecesOf} ${counts} from (
             select ${columns}, l.blocked from ${eventsOfPieces} ${wanted} where (l.beyond = 0 or e.position > ${passed.sql}) ${rows} ${gaps})`,
          pieces,
          running,
          name,
          ...passed.parameters,
        )!,
      );
    }
  }
  const events = eventsOf(tenant);
  // Of one partition, the walk begins there.
  const ahead = handler.partitions === 1 ? { sql: "", parameters: [] } : { sql: `and e.position > ${passed.sql}`, parameters: passed.parameters };
  for await (const { low, high } of positions(counting, checkpoint, Number.MAX_SAFE_INTEGER))
    add(
      db().get<Counts>(
        `${counts} from (select ${columns}, 0 as blocked from ${events.from} ${wanted}
           where ${events.where.sql} and e.position > ? and e.position <= ? ${ahead.sql} ${rows} ${gaps} ${lanes})`,
        running,
        name,
        ...events.where.parameters,
        low,
        high,
        ...ahead.parameters,
      )!,
    );
  return all;
}
