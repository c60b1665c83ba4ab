import { LRUCache } from "lru-cache";
import { everyTenant } from "../../../event/names.ts";
import { type Counting, eventsOf, positions } from "./counting.ts";

/** How many events a handler wants. */
export interface WantedCount {
  of(handler: string, counting: Counting): Promise<number>;
}

/** Of tenants and positions: each is counted by a walk. */
const keptCounts = 1000;

export function makeWantedCount(): WantedCount {
  /** tenant and since → events of each stored type at or below it. What is below a `since` changes only when it is archived. */
  const before = new LRUCache<string, ReadonlyMap<string, number>>({ max: keptCounts });

  async function eventsUpTo(since: number, counting: Counting): Promise<ReadonlyMap<string, number>> {
    const { sources, tenant } = counting;
    // What was archived since is counted no more.
    const { events: archived = 0 } = sources.db().get<{ events: number }>("select events from forgotten") ?? {};
    const key = `${tenant} ${since} ${archived}`;
    const known = before.get(key);
    if (known !== undefined) return known;
    const { from, where } = eventsOf(tenant);
    const counts = new Map<string, number>();
    for await (const { low, high } of positions(counting, 0, since))
      for (const { type, events } of sources
        .db()
        .all<{ type: string; events: number }>(
          `select e.type, count(*) as events from ${from} where ${where.sql} and e.position > ? and e.position <= ? group by e.type`,
          ...where.parameters,
          low,
          high,
        ))
        counts.set(type, (counts.get(type) ?? 0) + events);
    before.set(key, counts);
    return counts;
  }

  return {
    async of(handler, counting) {
      const { sources, tenant } = counting;
      const [table, parameters] =
        tenant === everyTenant ? ["types t on t.type = w.type", []] : ["tenant_types t on t.tenant = ? and t.type = w.type", [tenant]];
      const rows = sources
        .db()
        .all<{ type: string; since: number; events: number }>(
          `select w.type, w.since, t.events from temp.wanted w cross join ${table} where w.handler = ?`,
          ...parameters,
          handler,
        );
      let wanted = 0;
      for (const { type, since, events } of rows) wanted += events - (since === 0 ? 0 : ((await eventsUpTo(since, counting)).get(type) ?? 0));
      return wanted;
    },
  };
}
