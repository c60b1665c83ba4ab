import { type Counting, positions } from "./counting.ts";

/** How many events a handler wants. */
export interface WantedCount {
  of(handler: string, counting: Counting): Promise<number>;
}

export function makeWantedCount(): WantedCount {
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

  return {
    async of(handler, counting) {
      const rows = counting.sources
        .db()
        .all<{ type: string; since: number; events: number }>(
          "select w.type, w.since, t.events from temp.wanted w join types t on t.type = w.type where w.handler = ?",
          handler,
        );
      let wanted = 0;
      for (const { type, since, events } of rows) wanted += events - (since === 0 ? 0 : ((await eventsUpTo(since, counting)).get(type) ?? 0));
      return wanted;
    },
  };
}
