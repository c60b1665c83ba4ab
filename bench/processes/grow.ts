/** The work of bench/growth.ts: `node grow.ts <folder> <events> <lanes>`. Prints each window as JSON, at the end the largest resident memory in MB. */
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { comparePositions, type PositionText } from "../../src/event/event.ts";
import { orderV1, sampleOrder } from "../samples.ts";
import { peakMemoryMb } from "./peak-memory.ts";

export interface Window {
  readonly events: number;
  /** Until its last event was delivered and in the views. */
  readonly ms: number;
  /** Average of a look after each thousand events. */
  readonly residentMb: number;
}

const bytesOfMb = 1024 * 1024;
/** Appends under way at once, as from so many callers. */
const callers = 500;
/** Delivery is never further behind than this. */
const backlog = 5000;
const pageEvents = 500;
/** A page each of a million lanes would only take its time. */
const lanesRead = 10_000;

const [folder = "", ...counts] = process.argv.slice(2);
const [events = 0, lanes = 0] = counts.map(Number);
const windowEvents = Math.min(100_000, Math.floor(events / 8));

let handled = 0;
let awaited = { count: 0, resolve: () => {} };
const untilHandled = (count: number) => new Promise<void>((resolve) => (handled >= count ? resolve() : (awaited = { count, resolve })));
const orderPlaced = defineEvent("order.placed", { 1: orderV1 });
const handler = defineHandler({
  name: "worker",
  events: [orderPlaced],
  concurrency: 64,
  startFrom: "beginning",
  on: {
    "order.placed": () => {
      if (++handled === awaited.count) awaited.resolve();
    },
  },
});
const store = await openStore(defineConfig({ events: [orderPlaced], handlers: [handler] }), { log: `sqlite:${folder}` });
await store.start();

for (let from = 0; from < events; from += windowEvents) console.log(JSON.stringify(await appendWindow(from, Math.min(from + windowEvents, events))));
for (let lane = 0; lane < Math.min(lanes, lanesRead); lane++) await readLane(String(lane));
await store.close();
console.log(peakMemoryMb());

async function appendWindow(from: number, to: number): Promise<Window> {
  const startedMs = performance.now();
  const resident: number[] = [];
  let position: PositionText = "0";
  for (let first = from; first < to; first += callers) {
    const appended = await Promise.all(Array.from({ length: Math.min(callers, to - first) }, (_, index) => append(first + index)));
    position = appended.at(-1)![0]!.position;
    await untilHandled(first - backlog);
    if (first % (2 * callers) === 0) resident.push(process.memoryUsage.rss() / bytesOfMb);
  }
  await untilHandled(to);
  while (comparePositions(store.views.position(), position) < 0) await store.views.waitFor(position, 60_000).catch(() => {});
  return { events: to - from, ms: performance.now() - startedMs, residentMb: resident.reduce((sum, mb) => sum + mb, 0) / resident.length };
}

function append(number: number) {
  return store.append([{ type: "order.placed", entity: { type: "order", id: String(number % lanes) }, data: sampleOrder(number).data }]);
}

async function readLane(id: string): Promise<void> {
  for (let from: number | null = 0; from !== null; ) {
    const page: { readonly nextFrom: number | null } = await store.readEntity({ type: "order", id }, { from, limit: pageEvents });
    from = page.nextFrom;
  }
}
