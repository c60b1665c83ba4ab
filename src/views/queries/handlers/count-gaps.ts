import { everyTenant } from "../../../event/names.ts";
import { hasRow } from "../deliveries/untouched.ts";
import { rowsAtOnce } from "../ways.ts";
import type { Counting } from "./counting.ts";
import { eventsOfPieces, gathered, type Piece, piecesOf } from "./pieces.ts";

/** Events in holes of their streams that had no record before. */
export async function countGaps({ sources: { db }, tenant, turns }: Counting, handler: string): Promise<number> {
  let count = 0;
  for (let after: readonly [number, number] = [-1, -1]; ; ) {
    if (turns.due()) await turns.next();
    const gaps = db().all<{ entity: number; first: number; last: number; head: number; mine: 0 | 1 }>(
      `select g.entity, g.first, g.last, n.revision as head, (? = '${everyTenant}' or n.tenant = ?) as mine from gaps g indexed by gaps_by_handler cross join entities n on n.id = g.entity
       where g.handler = ? and (g.entity, g.first) > (?, ?) order by g.entity, g.first limit ${rowsAtOnce}`,
      tenant,
      tenant,
      handler,
      ...after,
    );
    const ranges = gaps
      .filter(({ mine }) => mine === 1)
      .map(({ entity, first, last, head }): Piece => ({ entity, low: first, high: Math.min(last, head), beyond: 0, blocked: 0 }));
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
