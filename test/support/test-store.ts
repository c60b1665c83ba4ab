import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished } from "vitest";
import { type OpenOptions, openStore } from "../../src/compose.ts";
import type { Config } from "../../src/config/config.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openLog, openLogReadOnly } from "../../src/log/open-log.ts";
import type { Store } from "../../src/store/store.ts";
import type { HandlerView } from "../../src/views/model/handler.ts";
import { type LogRow, readLogRows } from "./history-checker.ts";
import { divided, type TestBench } from "./test-bench.ts";

/** Where a store keeps what: the folder of an embedded log, a server and the folder of the views, or memory. */
export type Place = StoredPlace | { readonly bench: TestBench };

/** A place that outlives the process. */
export type StoredPlace = string | ServerPlace;

interface ServerPlace {
  readonly log: string;
  readonly namespace?: string;
  readonly data: string;
}

/** How many partitions handlers have in suites of stores, for a run of all of them with several: `REPRISE_TEST_PARTITIONS=4 npx vitest run …`. */
const partitionsOfRun = process.env.REPRISE_TEST_PARTITIONS;

/** A started store; closed when the test is over. */
export async function startStore(asked: Config, place: Place, options: Omit<OpenOptions, "log"> = {}): Promise<Store> {
  const config = partitionsOfRun === undefined ? asked : divided(asked, Number(partitionsOfRun));
  if (typeof place === "object" && "bench" in place) {
    const kit = await place.bench.start(config);
    onTestFinished(() => kit.close());
    return kit.store;
  }
  const store = await openStore(config, { ...(typeof place === "string" ? { log: `sqlite:${place}` } : place), ...options });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

/** Position of the log's last event, read beside its owner. */
export function logHead(folder: string): bigint {
  const db = new DatabaseSync(`${folder}/log.db`, { readOnly: true });
  try {
    return BigInt((db.prepare("select max(position) as head from events").get() as { head: number }).head);
  } finally {
    db.close();
  }
}

/** Position of the last event of the log at a place. */
export async function headOf(place: Place): Promise<bigint> {
  return typeof place === "string" ? logHead(place) : withLog(place, (log) => log.head());
}

/** All rows of the log, read beside its owner. */
export async function logRows(place: Place): Promise<readonly LogRow[]> {
  if (typeof place === "string") return readLogRows(place);
  return withLog(place, async (log) => {
    const rows: LogRow[] = [];
    for await (const batch of log.readAll())
      for (const { position, data, ...row } of batch) rows.push({ ...row, position: Number(position), data: data as LogRow["data"] });
    return rows;
  });
}

/** Every event of the log, read beside its owner. */
export async function eachEvent(place: Place, visit: (event: StoredEvent) => void): Promise<void> {
  const log = typeof place === "string" ? await openLogReadOnly(`sqlite:${place}`) : await openPlace(place);
  try {
    for await (const batch of log.readAll()) for (const event of batch) visit(event);
  } finally {
    await log.close();
  }
}

async function openPlace(place: Exclude<Place, string>): Promise<EventLog> {
  if ("bench" in place) return place.bench.readLog();
  return openLog(place.log, { namespace: place.namespace ?? "" });
}

async function withLog<T>(place: Exclude<Place, string>, use: (log: EventLog) => Promise<T>): Promise<T> {
  const log = await openPlace(place);
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

export async function handlerView(store: Store, name: string): Promise<HandlerView> {
  const view = (await store.views.handlers()).find((handler) => handler.name === name);
  if (view === undefined) throw new Error(`handler ${name} is not known`);
  return view;
}

/** Waits until the views, which know of all that the log holds by now, show these figures of the handler, and then for all that it holds then. */
export async function handlerShows(store: Store, place: Place, name: string, figures: object, timeoutMs = 30_000): Promise<void> {
  await store.views.waitFor(await headOf(place), timeoutMs); // views that know of no event show that none waits
  await expect.poll(() => handlerView(store, name), { timeout: timeoutMs, interval: 20 }).toMatchObject(figures);
  await store.views.waitFor(await headOf(place));
}
