import { everyTenant } from "../../../event/names.ts";
import type { DeadLetterAges } from "../../model/dead-letter.ts";
import type { Sources } from "../context.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";
import { kindsOf } from "./letter-kinds.ts";

/** How many each handler has, and since when the oldest is one. */
export function makeDeadLetterAges(sources: Sources): DeadLetterAges {
  return {
    deadLetterAges: () =>
      sources.atOneMoment(async (at) => {
        const counts = new Map<string, number>();
        for await (const { sql, parameters } of kindsOf(at.db, { tenant: everyTenant }))
          for (const { handler, letters } of at
            .db()
            .all<{ handler: string; letters: number }>(
              `select d.handler, sum(d.letters) as letters from letter_counts d where ${sql} group by d.handler`,
              ...parameters,
            ))
            counts.set(handler, (counts.get(handler) ?? 0) + letters);
        return handlerRows(at).map(({ name }) => ({ handler: name, letters: counts.get(name) ?? 0, oldestAt: counts.has(name) ? oldestOf(at, name) : null }));
      }),
  };
}

function oldestOf(sources: Sources, handler: string): string | null {
  return (
    sources.db().get<{ at: string }>(
      `select dead_lettered_at as at from deliveries indexed by letters_by_age
         where handler = ? and letter = 1 and status <> 'failed' order by dead_lettered_at limit 1`,
      handler,
    )?.at ?? null
  );
}
