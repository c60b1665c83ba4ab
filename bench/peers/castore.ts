import { EventStore, EventType, type GroupedEvent } from "@castore/core";
import { InMemoryEventStorageAdapter } from "@castore/event-storage-adapter-in-memory";
import { appendBenchmarks } from "../log.ts";
import { orderedBenchmarks } from "../ordered.ts";
import { benchmarkNamed, beside, callers, metadataOf, orders, type PeerRow, type PeerWork, versionOf } from "./row.ts";

const names = { peer: "castore, in memory", version: versionOf("@castore/core"), durability: "none: memory" };

/** Nothing is encoded, written or parsed: objects in arrays. There is no equal of an upcaster. */
export const castoreRows: readonly PeerRow[] = [
  { ...names, benchmark: beside(benchmarkNamed("append-64", appendBenchmarks), openAppend64) },
  { ...names, benchmark: beside(benchmarkNamed("append-batch", appendBenchmarks), openAppendBatch) },
  { ...names, benchmark: { ...beside(benchmarkNamed("replay-ordered", orderedBenchmarks), openRead), name: "read" } },
];

const orderPlaced = new EventType<"order.placed", unknown, Record<string, unknown>>({ type: "order.placed" });

function openStore() {
  return new EventStore({
    eventStoreId: "orders",
    eventTypes: [orderPlaced],
    reducer: (_order: { aggregateId: string; version: number }, { aggregateId, version }) => ({ aggregateId, version }),
    eventStorageAdapter: new InMemoryEventStorageAdapter(),
  });
}

/** Events of one stream; the caller gives the versions, as Castore wants it. */
function castoreEvents(aggregateId: string, count: number, firstVersion = 1) {
  return orders(count).map((event, index) => ({
    ...{ aggregateId, version: firstVersion + index, type: "order.placed" as const },
    payload: event.data as unknown,
    metadata: { ...metadataOf(event), id: event.id },
  }));
}

async function openAppend64(scale: number): Promise<PeerWork> {
  const appends = Math.max(1, Math.round(200 * scale));
  let store: ReturnType<typeof openStore>;
  let events: readonly ReturnType<typeof castoreEvents>[];
  return {
    async before() {
      store = openStore();
      events = Array.from({ length: 64 }, (_, caller) => castoreEvents(`order-${caller}`, appends));
    },
    async go() {
      await callers(64, appends, (caller, turn) => store.pushEvent(events[caller]![turn]!));
      return 64 * appends;
    },
    async close() {},
  };
}

/** A stream of its own for each append: Castore looks for the version in all of the stream's events, and one long stream would measure only that. */
async function openAppendBatch(scale: number): Promise<PeerWork> {
  const appends = Math.max(1, Math.round(200 * scale));
  let store: ReturnType<typeof openStore>;
  let batches: readonly ReturnType<typeof castoreEvents>[];
  return {
    async before() {
      store = openStore();
      batches = Array.from({ length: appends }, (_, append) => castoreEvents(`order-${append}`, 100));
    },
    async go() {
      for (const events of batches) {
        const grouped = events.map((event) => store.groupEvent(event));
        await EventStore.pushEventGroup({}, ...(grouped as [GroupedEvent, ...GroupedEvent[]]));
      }
      return appends * 100;
    },
    async close() {},
  };
}

async function openRead(scale: number): Promise<PeerWork> {
  const store = openStore();
  const streams = Math.max(100, Math.round(10_000 * scale));
  const eventsOfStream = Math.round(1_000_000 * scale) / streams;
  for (let stream = 0; stream < streams; stream++) for (const event of castoreEvents(`order-${stream}`, eventsOfStream)) await store.pushEvent(event);
  return {
    async go() {
      let seen = 0;
      for (let stream = 0; stream < streams; stream++) seen += (await store.getEvents(`order-${stream}`)).events.length;
      return seen;
    },
    async close() {},
  };
}
