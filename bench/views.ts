import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { defineEvent } from "../src/catalog/define.ts";
import { makeCatalog } from "../src/catalog/make-catalog.ts";
import { systemClock } from "../src/event/clock.ts";
import { comparePositions } from "../src/event/event.ts";
import { newId } from "../src/event/ids.ts";
import { handlerStream, journalStream } from "../src/event/names.ts";
import type { EventLog } from "../src/log/event-log.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import type { HandlerStreamData } from "../src/records/handler.ts";
import type { JournalEvent } from "../src/records/journal.ts";
import { ownEvent } from "../src/records/own-event.ts";
import type { DeadLetterFilter } from "../src/views/model/dead-letter.ts";
import { openViews } from "../src/views/open-views.ts";
import { fill, fillByEntity } from "./fill.ts";
import type { Benchmark } from "./measure.ts";
import { orderV1 } from "./samples.ts";
import { shared } from "./shared.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const catalog = makeCatalog({ events: [defineEvent("order.placed", { 1: orderV1 })] });
const silent = { running: () => [], condition: () => ({ state: "running", fault: null }) as const };

async function openScene(fillLog: (log: EventLog) => Promise<void>) {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  await fillLog(log);
  const file = join(folder, "views.db");
  const views = await openViews({ file, log, catalog, clock: systemClock, running: silent });
  return {
    folder,
    file,
    log,
    views,
    async close() {
      await views.close();
      await log.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Rows of a log's events from nothing. The floor inserts the very rows into the same tables with the same indexes, in transactions of 512, with the same pragmas. */
export const rebuildBenchmark: Benchmark = {
  name: "views-rebuild",
  unit: "events/s",
  target: 0.7,
  runs: 3,
  quickScale: 0.03,
  async prepare(scale) {
    const count = Math.round(1_000_000 * scale);
    const scene = await openScene((log) => fill(log, count, 10_000));
    let rows: ReadonlyMap<string, readonly (readonly SQLInputValue[])[]> = new Map();
    let twin: DatabaseSync;
    let runs = 0;
    return {
      subject: {
        async go() {
          await scene.views.rebuild();
          return count;
        },
      },
      floor: {
        async before() {
          const made = twinOf(scene.file, join(scene.folder, `twin-${++runs}.db`));
          twin = made.twin;
          rows = made.rows;
        },
        async go() {
          for (const [table, all] of rows) {
            const insert = twin.prepare(`insert into ${table} values (${all[0]!.map(() => "?").join(", ")})`);
            for (let from = 0; from < all.length; from += 512) {
              twin.exec("begin immediate");
              for (let index = from; index < Math.min(from + 512, all.length); index++) insert.run(...all[index]!);
              twin.exec("commit");
            }
          }
          twin.close();
          return count;
        },
      },
      close: scene.close,
    };
  },
};

/** A database with the tables and indexes of the views and no rows, and the rows by table. */
function twinOf(file: string, twinFile: string): { readonly twin: DatabaseSync; readonly rows: ReadonlyMap<string, readonly (readonly SQLInputValue[])[]> } {
  const views = new DatabaseSync(file, { readOnly: true });
  const definitions = views
    .prepare("select name, type, sql from sqlite_schema where sql is not null and type in ('table', 'index')")
    .all() as unknown as readonly {
    readonly name: string;
    readonly type: string;
    readonly sql: string;
  }[];
  const rows = new Map<string, SQLInputValue[][]>();
  for (const { name, type } of definitions) {
    if (type !== "table") continue;
    const all = views.prepare(`select * from ${name}`, { returnArrays: true }).all() as unknown as SQLInputValue[][];
    if (all.length > 0) rows.set(name, all);
  }
  views.close();
  const twin = new DatabaseSync(twinFile);
  twin.exec("pragma journal_mode = memory; pragma synchronous = off; pragma temp_store = memory;"); // as a rebuild has it
  for (const { sql } of definitions) twin.exec(sql);
  return { twin, rows };
}

const filters: readonly Omit<DeadLetterFilter, "tenant">[] = [
  {},
  { handler: "ledger" },
  { eventType: "order.placed" },
  { error: "HttpError" },
  { error: "HttpError: HTTP 503" },
  { source: "bench", cause: "exhausted" },
];

/**
 * A million dead letters of a relaxed handler over 50,000 entities: pages of 50 by filter and cursor with their data, and the counts of all. The floor
 * takes 50 of the same rows by their primary order, and counts nothing.
 */
export const deadLetterBenchmarks: readonly Benchmark[] = [deadLetters("dlq-list-1m", 10), deadLetters("dlq-stats-1m", 50)];

const eventsOfEntity = 20;

/** In appends of one entity each, which takes a third of the time of events one by one: pages and counts do not depend on their order in the log. */
const openLetters = shared(async (scale) => {
  const entities = Math.max(100, Math.round(50_000 * scale));
  const scene = await openScene((log) => fillByEntity(log, entities, eventsOfEntity));
  await deadLetterAll(scene.log);
  scene.views.start();
  const head = await scene.log.head();
  while (comparePositions(scene.views.position(), head) < 0) await scene.views.waitFor(head, 60_000).catch(() => {});
  return scene;
});

function deadLetters(name: "dlq-list-1m" | "dlq-stats-1m", target: number): Benchmark {
  return {
    name,
    unit: "ms",
    target,
    bound: "value at most",
    figure: "percentile95",
    runs: 3,
    quickScale: 0.005,
    async prepare(scale) {
      const scene = await openLetters(scale);
      const db = new DatabaseSync(scene.file, { readOnly: true });
      const page = db.prepare("select * from deliveries order by entity, revision limit 50 offset ?");
      let request = 0;
      let cursor: string | undefined;
      return {
        subject: {
          async go() {
            const filter = { tenant: "default", ...filters[request++ % filters.length] };
            if (name === "dlq-stats-1m") await scene.views.deadLetterStats(filter);
            else {
              // Each second request goes on where a former page of the same tenant ended.
              const { nextCursor } = await scene.views.deadLetters(filter, { limit: 50, ...(cursor !== undefined && request % 2 === 0 ? { cursor } : {}) });
              cursor = nextCursor ?? undefined;
            }
            return 1;
          },
        },
        floor: {
          async go() {
            page.all(request % 1000);
            return 1;
          },
        },
        async close() {
          db.close();
        },
      };
    },
  };
}

const errors = [500, 502, 503].map((status) => ({ type: "HttpError", message: `HTTP ${status}` }));

/** What a relaxed handler's journal says when every call failed. */
async function deadLetterAll(log: EventLog): Promise<void> {
  const journal = journalStream("ledger");
  const configured: HandlerStreamData["handler.configured"] = {
    ...{ types: { "order.placed": "0" }, stored: { "order.placed": "0" }, ordering: "relaxed", start: "beginning", partitions: 1, journal, endpoint: null },
  };
  await log.append(handlerStream("ledger"), [ownEvent(newId, "handler.configured", configured)], "any");
  let facts: JournalEvent[] = [];
  let checkpoint = "0";
  const flush = async () => {
    facts.push({ type: "progress", data: { checkpoint, ahead: [] } });
    await log.append(
      journal,
      facts.map(({ type, data }) => ownEvent(newId, type, data)),
      "any",
    );
    facts = [];
  };
  for await (const batch of log.readAll({ filter: { types: ["order.placed"] } }))
    for (const { id, stream, revision, position } of batch) {
      const about = { lane: stream, revision, at: position.toString(), eventId: id };
      const error = errors[Number(position) % errors.length]!;
      facts.push({
        type: "delivery.dead_lettered",
        data: { ...about, attempts: 3, retryCount: 3, cause: "exhausted", error, chain: "", escalated: false, record: null },
      });
      checkpoint = position.toString();
      if (facts.length === 900) await flush();
    }
  await flush();
}
