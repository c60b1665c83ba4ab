/** Shortens journals as a run of retention does, and reads what is left of them. */
import { readJournal } from "../../src/delivery/journal/journal-read.ts";
import { foldStored, lastState } from "../../src/delivery/journal/last-snapshot.ts";
import { slicesOf, toSnapshot } from "../../src/delivery/journal/snapshot.ts";
import type { PartitionState } from "../../src/delivery/journal/state.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { subscribeWhole } from "../../src/log/abridged/whole-journals.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openHolds } from "../../src/retention/holds.ts";
import { shortenJournals } from "../../src/retention/journals/shorten.ts";
import type { ViewStore } from "../../src/views/store.ts";
import { ordersCatalog } from "./views-history.ts";
import { rowsOf } from "./views-rows.ts";

async function journalsOf(log: EventLog) {
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

/** How each journal stands, as its owner folds it. */
export async function foldedJournals(log: EventLog) {
  const folded: { readonly stream: string; readonly state: PartitionState; readonly end: number }[] = [];
  for (const { stream, start } of await journalsOf(log)) {
    const { state, from } = await lastState(log, stream, start, []);
    folded.push({ stream, state, end: await readJournal({ log, stream, from, skips: [] }, (event) => foldStored(state, event)) });
  }
  return folded;
}

export async function statesOf(log: EventLog) {
  const folded = await foldedJournals(log);
  return Object.fromEntries(folded.map(({ stream, state, end }) => [stream, { end, state: toSnapshot(state, "", [...slicesOf(state)]) }]));
}

/** Folds the rest of the log. @param atOnce how many events come at once at most, each time it is asked. */
export async function catchUp(store: ViewStore, log: EventLog, atOnce: () => number = () => 512): Promise<void> {
  const over = new AbortController();
  for await (const { events, live } of subscribeWhole(log, { after: store.position(), signal: over.signal })) {
    for (let left = events; left.length > 0; ) {
      const most = atOnce();
      left = left.slice(store.fold(left, (folded) => folded >= most));
    }
    store.settle();
    if (live) break;
  }
  over.abort();
}

/** How far they were read, of how much, differs: there is less. */
export function rowsThatMatter(file: string) {
  const { journals_read: _, ...rows } = rowsOf(file);
  return rows;
}
