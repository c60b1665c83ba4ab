import { join } from "node:path";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { systemClock } from "../../src/event/clock.ts";
import type { NewEvent, StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { handlerStream, journalStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import type { HandlerStreamData } from "../../src/records/handler.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { openViews, type ViewsOptions } from "../../src/views/open-views.ts";

const placed = defineEvent("order.placed", { 1: z.object({ total: z.number() }) }, { formerly: ["order.created"] });
const paid = defineEvent("order.paid", { 1: z.object({ total: z.number() }) });
const rare = defineEvent("order.rare", { 1: z.object({ total: z.number() }) });
/** What the large log holds, in any catalog that reads it. */
export const largeEvents = [placed, paid, rare] as const;
export const largeCatalog = makeCatalog({ events: largeEvents });

const bigStream = "default.order-big";
const eventsAtOnce = 500;

/**
 * A log as they grow: one tenant has nearly all, one entity a fifth of that, one correlation and one source nearly everything; a few events are of a
 * rare type, source, correlation or tenant. `strict` stands behind a dead letter of the big entity, `relaxed` has a dead letter for a quarter of all events,
 * each with a message of its own, `late` has not begun, and `idle` has done everything.
 */
export async function openLargeLog(folder: string, count: number, options: Partial<ViewsOptions> = {}) {
  const log = await openSqliteLog(folder);
  for (const handler of ["strict", "relaxed", "late", "idle"]) await configure(log, handler);
  await fill(log, count);
  const written = await journals(log);
  const views = await openViews({
    file: join(folder, "views.db"),
    log,
    catalog: largeCatalog,
    clock: systemClock,
    running: { running: () => [], condition: () => ({ state: "running", fault: null }) },
    ...options,
  });
  views.start();
  const head = await log.head();
  while (BigInt(views.position()) < head) await views.waitFor(head, 60_000).catch(() => {});
  return {
    log,
    views,
    file: join(folder, "views.db"),
    ...written,
    async close() {
      await views.close();
      await log.close();
    },
  };
}

async function configure(log: EventLog, handler: string): Promise<void> {
  const types = Object.fromEntries(["order.placed", "order.created", "order.paid", "order.rare"].map((type) => [type, "0"]));
  const configured: HandlerStreamData["handler.configured"] = {
    ...{ types, stored: types, ordering: handler === "relaxed" ? "relaxed" : "strict", start: "beginning", partitions: 1 },
    ...{ journal: journalStream(handler), endpoint: null },
  };
  await log.append(handlerStream(handler), [ownEvent(newId, "handler.configured", configured)], "any");
}

async function fill(log: EventLog, count: number): Promise<void> {
  for (let from = 0; from < count; from += eventsAtOnce) {
    const appends = new Map<string, NewEvent[]>();
    for (let number = from; number < from + eventsAtOnce; number++) {
      const isRare = number % 9973 === 5;
      const stream = number % 5 === 0 ? bigStream : isRare ? `mill.order-${number}` : `default.${number % 7 === 0 ? "cart" : "order"}-${number % 3000}`;
      const event: NewEvent = {
        id: newId(),
        type: number % 4999 === 7 ? "order.rare" : number % 3 === 0 ? "order.placed" : number % 31 === 1 ? "order.created" : "order.paid",
        schemaVersion: 1,
        source: number % 9999 === 8 ? "rare" : "shop",
        occurredAt: null,
        data: { total: number },
        metadata: { priority: "normal", correlationId: number % 9999 === 9 ? "rare" : "flow" },
      };
      const events = appends.get(stream) ?? [];
      appends.set(stream, events);
      events.push(event);
    }
    await Promise.all([...appends].map(([stream, events]) => log.append(stream, events, "any")));
  }
}

/** What the handlers' journals say of it. */
async function journals(log: EventLog) {
  const ids: string[] = [];
  let letter: StoredEvent | undefined;
  let replayed: StoredEvent | undefined;
  let facts: JournalEvent[] = [];
  let last = 0n;
  const replayId = newId();
  const flush = async (handler: string) => {
    facts.push({ type: "progress", data: { checkpoint: last.toString(), ahead: [] } });
    await log.append(
      journalStream(handler),
      facts.map(({ type, data }) => ownEvent(newId, type, data)),
      "any",
    );
    facts = [];
  };
  let number = 0;
  for await (const batch of log.readAll({ filter: { streamPrefixes: ["default.", "mill."] } }))
    for (const event of batch) {
      last = event.position;
      if (ids.length < 10_000) ids.push(event.id);
      if (event.stream === bigStream) letter ??= event;
      if (++number % 4 !== 0) continue;
      if (number === 4000) replayed = event;
      facts.push(deadLetter(event, `no stock for ${event.id}`, number === 4000 ? replayId : undefined));
      if (facts.length === 900) await flush("relaxed");
    }
  await flush("relaxed");
  facts.push(deadLetter(letter!, "no"));
  await flush("strict");
  await flush("idle");
  return { ids, letter: letter!, replayed: replayed!, replayId };
}

function deadLetter({ stream, revision, position, id }: StoredEvent, message: string, replayId?: string): JournalEvent {
  return {
    type: "delivery.dead_lettered",
    data: {
      ...{ lane: stream, revision, at: position.toString(), eventId: id, attempts: 3, retryCount: 3, cause: "exhausted", chain: "", escalated: false },
      ...{ error: { type: "HttpError", message }, record: null },
      ...(replayId === undefined ? {} : { replayId }),
    },
  };
}
