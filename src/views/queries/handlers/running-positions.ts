import { isOf } from "../context.ts";
import { positionsBetween } from "../entity-events.ts";
import type { Counting } from "./counting.ts";

/** Positions of what runs of the counted events, as a JSON list. */
export function runningPositions({ sources: { db, running }, tenant }: Counting, handler: string): string {
  const positions = running.running(handler).flatMap(({ stream, revision }) => {
    if (!isOf(tenant, stream)) return [];
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
