/** Shortens journals as a run of retention does. */
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openHolds } from "../../src/retention/holds.ts";
import { shortenJournals } from "../../src/retention/journals/shorten.ts";
import { ordersCatalog } from "./views-history.ts";

export async function journalsOf(log: EventLog) {
  const signal = new AbortController().signal;
  const holds = await openHolds({ log, catalog: ordersCatalog, handlers: new Set(), now: () => systemClock.now(), signal });
  return holds.handlers.recordedJournals();
}

export async function shorten(log: EventLog, untilMs: number): Promise<number> {
  const signal = new AbortController().signal;
  let cut = 0;
  for await (const cuts of shortenJournals(await journalsOf(log), { log, newId, untilMs, everyMs: 0, rest: async () => {}, signal }))
    for (const { stream, before } of cuts) {
      await log.truncate(stream, before);
      cut++;
    }
  return cut;
}
