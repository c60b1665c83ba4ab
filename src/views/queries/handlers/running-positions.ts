import type { Sources } from "../context.ts";
import { positionsBetween } from "../entity-events.ts";

/** Positions of what runs, as a JSON list. */
export function runningPositions({ db, running }: Sources, handler: string): string {
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
