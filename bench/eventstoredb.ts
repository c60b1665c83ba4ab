import { type EventData, EventStoreDBClient, NO_STREAM, START } from "@eventstore/db-client";
import { toIso } from "../src/event/clock.ts";
import type { NewEvent } from "../src/event/event.ts";
import type { EventLog } from "../src/log/event-log.ts";
import { openEventStoreDbLog } from "../src/log/eventstoredb/open-eventstoredb-log.ts";
import { freshNames, startServer } from "./log-server.ts";
import type { Benchmark } from "./measure.ts";
import { sampleOrder } from "./samples.ts";

const turns = 41;

/**
 * The log on EventStoreDB: one event at a time, 64 writers at once, batches of 500. The floor sends the same events with the same metadata to the
 * same server with @eventstore/db-client alone, each writer at the revision that it knows. A writer has one stream over all runs.
 *
 * The server is the one that EVENTSTORE_URL names, where each run has names of its own, else the tests' stand-in in a process of its own: then the
 * figures say what the adapter adds to its client, and nothing about a server.
 */
export const eventStoreDbBenchmarks: readonly Benchmark[] = [
  append("eventstoredb-append-1", { writers: 1, appends: 300, batch: 1 }),
  append("eventstoredb-append-64", { writers: 64, appends: 20, batch: 1 }),
  append("eventstoredb-append-batch", { writers: 1, appends: 10, batch: 500 }),
  catchUp("eventstoredb-catch-up"),
];

function append(name: string, { writers, appends, batch }: { readonly writers: number; readonly appends: number; readonly batch: number }): Benchmark {
  return {
    name,
    target: 0.9,
    unit: "events/s",
    turns,
    async prepare(scale) {
      const server = await startServer();
      const client = EventStoreDBClient.connectionString(server.url);
      const namespace = freshNames();
      const log = await openEventStoreDbLog(server.url, { namespace });
      const each = Math.max(1, Math.round(appends * scale));
      const count = writers * each * batch;
      /** What each writer appends, in turn. */
      const fresh = () => Array.from({ length: writers }, () => Array.from({ length: each }, () => Array.from({ length: batch }, (_, i) => sampleOrder(i))));
      let ours: readonly (readonly (readonly NewEvent[])[])[];
      let bare: readonly (readonly EventData[][])[];
      /** Of the floor's streams. */
      const revisions: (bigint | undefined)[] = [];

      return {
        subject: {
          async before() {
            ours = fresh();
          },
          async go() {
            const write = async (writer: number) => {
              for (const events of ours[writer]!) await log.append(`default.order-${writer}`, events, "any");
            };
            await Promise.all(ours.map((_, writer) => write(writer)));
            return count;
          },
        },
        floor: {
          async before() {
            bare = fresh().map((appendsOfOne) => appendsOfOne.map((events) => events.map(asClientEvent)));
          },
          async go() {
            const write = async (writer: number) => {
              for (const events of bare[writer]!) {
                const expectedRevision = revisions[writer] ?? NO_STREAM;
                const answer = await client.appendToStream(`${namespace}default.bare-${writer}`, events, { expectedRevision, requiresLeader: true });
                revisions[writer] = answer.nextExpectedRevision;
              }
            };
            await Promise.all(bare.map((_, writer) => write(writer)));
            return count;
          },
        },
        async close() {
          await log.close();
          await client.dispose();
          server.close();
        },
      };
    },
  };
}

/** A subscription from the first event until it has seen them all, as a handler that catches up has it. */
function catchUp(name: string): Benchmark {
  return {
    name,
    target: 0.9,
    unit: "events/s",
    turns,
    async prepare(scale) {
      const server = await startServer();
      const client = EventStoreDBClient.connectionString(server.url);
      const namespace = freshNames();
      const count = Math.round(20_000 * scale);
      const filling = await openEventStoreDbLog(server.url, { namespace });
      for (let number = 0; number < count; number += 500)
        await filling.append(
          `default.order-${(number / 500) % 20}`,
          Array.from({ length: 500 }, (_, i) => sampleOrder(i)),
          "any",
        );
      await filling.close();
      let log: EventLog | null = null;
      return {
        subject: {
          async before() {
            await log?.close();
            log = await openEventStoreDbLog(server.url, { namespace });
          },
          async go() {
            let seen = 0;
            for await (const { events } of log!.subscribe({ after: 0n, signal: new AbortController().signal })) {
              for (const { tenant } of events) if (tenant === "default") seen++;
              if (seen === count) break;
            }
            return seen;
          },
        },
        floor: {
          async before() {
            await log?.close();
            log = null;
          },
          async go() {
            let seen = 0;
            const subscription = client.subscribeToAll({ fromPosition: START, requiresLeader: true });
            for await (const { event } of subscription) {
              if (event?.streamId.startsWith(`${namespace}default.`)) seen++;
              if (seen === count) break;
            }
            return seen;
          },
        },
        async close() {
          await log?.close();
          await client.dispose();
          server.close();
        },
      };
    },
  };
}

/** With the members that the adapter gives it. */
function asClientEvent({ id, type, schemaVersion, source, occurredAt, data, metadata: { correlationId, priority } }: NewEvent): EventData {
  return {
    id,
    type,
    contentType: "application/json",
    data: data as never,
    metadata: { schemaVersion, recordedAt: toIso(Date.now()), source, occurredAt, $correlationId: correlationId, priority },
  };
}
