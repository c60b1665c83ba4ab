import type { Turns } from "../../../event/turns.ts";
import type { Sources } from "../context.ts";
import { newestFirst, positionsBetween } from "../entity-events.ts";
import type { EventKey } from "./event-key.ts";
import { checkpointOf, type HandlerRow } from "./handler-rows.ts";
import type { LaneRow } from "./lane-rows.ts";

export interface Untouched {
  readonly count: number;
  readonly first: readonly (EventKey & { readonly recorded_ms: number })[];
}

/** An event `e` has a record of its own for a handler. */
export const hasRow = (handler: string) =>
  `exists (select 1 from deliveries d where d.entity = e.entity and d.revision = e.revision and d.handler = ${handler})`;

/** An event `e` is one that the log no longer had when the handler came to it. */
export const isInGap = (handler: string) =>
  `exists (select 1 from gaps g where g.entity = e.entity and g.handler = ${handler} and e.revision between g.first and g.last)`;

/** Revisions of an entity that one statement walks. */
const revisionsAtOnce = 2000;

/** Wanted events of one lane without outcome and without trouble of their own: how many, and the first. A lane may have a million: part by part. */
export async function untouched(
  { db }: Pick<Sources, "db">,
  handler: HandlerRow,
  lane: LaneRow | undefined,
  entity: number,
  limit: number,
  turns: Turns,
): Promise<Untouched> {
  const { name } = handler;
  let from = lane?.next ?? 0;
  if (lane?.detached !== 1) {
    const { stream = "" } = db().get<{ stream: string }>("select stream from entities where id = ?", entity) ?? {};
    const checkpoint = checkpointOf(handler, stream);
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
    where not ${hasRow("w.handler")} and not ${isInGap("w.handler")}`;
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
             order by e.revision limit ? + 0`,
          ...part,
          limit - first.length,
        ),
      );
    count += found;
  }
  return { count, first };
}
