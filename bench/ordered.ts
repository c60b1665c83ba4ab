import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { EventStoreDBClient, eventTypeFilter, START } from "@eventstore/db-client";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../src/catalog/define.ts";
import { checkConfig, defineConfig } from "../src/config.ts";
import { type Delivery, makeDelivery } from "../src/delivery/delivery.ts";
import { defineHandler } from "../src/delivery/handler.ts";
import { systemClock } from "../src/event/clock.ts";
import { newId } from "../src/event/ids.ts";
import type { EventLog } from "../src/log/event-log.ts";
import { openEventStoreDbLog } from "../src/log/eventstoredb/open-eventstoredb-log.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import { spawnStandIn } from "../test/support/eventstore-stand-in/spawn.ts";
import type { Benchmark } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";

const orderV2 = orderV1.omit({ total: true }).extend({ totalCents: z.int() });
const orderV3 = orderV2.extend({ currency: z.string() });
const orderPlaced = defineEvent("order.placed", { 1: orderV1, 2: orderV2, 3: orderV3 });
const v1ToV2 = ({ total, ...rest }: z.output<typeof orderV1>) => ({ ...rest, totalCents: Math.round(total * 100) });
const v2ToV3 = (data: z.output<typeof orderV2>) => ({ ...data, currency: "EUR" });
const upcasters = defineUpcasters(orderPlaced, { 1: v1ToV2, 2: v2ToV3 });
const lift = (data: unknown) => orderV3.parse(v2ToV3(orderV2.parse(v1ToV2(orderV1.parse(data)))));
const silent = { info() {}, warn() {}, error() {} };

/**
 * The log from its first event through lanes, two upcast steps and every check to a handler that does nothing, journal on, in order for each entity.
 * The floor reads the same rows, or messages, with node:sqlite or @eventstore/db-client alone, parses them, calls steps and zod by hand, and then the
 * same function. No views run beside either.
 */
export const orderedBenchmarks: readonly Benchmark[] = [
  ordered("replay-ordered", { events: 1_000_000, lanes: 10_000, target: 0.7, open: openEmbedded }),
  ordered("replay-eventstoredb", { events: 50_000, lanes: 5_000, target: 0.8, open: openServer }),
];

interface Opened {
  readonly log: EventLog;
  /** Reads the events without Reprise; `take` gets the parsed data of each. */
  readBare(count: number, take: (data: unknown) => void): Promise<void>;
  close(): Promise<void>;
}

async function openEmbedded(): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  const log = await openSqliteLog(folder);
  const db = new DatabaseSync(join(folder, "log.db"), { readOnly: true });
  const page = db.prepare("select * from events where position > ? and type = 'order.placed' order by position limit 512", { returnArrays: true });
  return {
    log,
    async readBare(_count, take) {
      for (let after: SQLInputValue = 0; ; ) {
        const rows = page.all(after) as unknown as readonly (readonly [number, ...string[]])[];
        for (const row of rows) {
          JSON.parse(row[9]!);
          take(JSON.parse(row[10]!));
        }
        if (rows.length === 0) return;
        after = rows.at(-1)![0];
      }
    },
    async close() {
      db.close();
      await log.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openServer(): Promise<Opened> {
  const standIn = await spawnStandIn("", 0);
  const log = await openEventStoreDbLog(standIn.url);
  const client = EventStoreDBClient.connectionString(standIn.url);
  return {
    log,
    async readBare(count, take) {
      const subscription = client.subscribeToAll({ fromPosition: START, filter: eventTypeFilter({ prefixes: ["order.placed"] }) });
      let left = count;
      for await (const { event } of subscription) {
        take(event?.data);
        if (--left === 0) break;
      }
      await subscription.unsubscribe();
    },
    async close() {
      await client.dispose();
      await log.close();
      standIn.child.kill("SIGKILL");
    },
  };
}

function ordered(
  name: string,
  { events, lanes, target, open }: { readonly events: number; readonly lanes: number; readonly target: number; readonly open: () => Promise<Opened> },
): Benchmark {
  return {
    name,
    unit: "events/s",
    target,
    runs: 3,
    async prepare(scale) {
      const { log, readBare, close } = await open();
      const count = Math.round(events * scale);
      const entities = Math.max(100, Math.round(lanes * scale));
      for (let from = 0; from < count; from += 1000)
        await Promise.all(
          Array.from({ length: Math.min(1000, count - from) }, (_, index) =>
            log.append(`default.order-${(from + index) % entities}`, [sampleOrder(from + index)], "any"),
          ),
        );
      let handled = 0;
      let all = Promise.withResolvers<void>();
      const take = () => {
        if (++handled === count) all.resolve();
      };
      const reset = () => {
        handled = 0;
        all = Promise.withResolvers();
      };
      let runs = 0;
      let delivery: Delivery | null = null;

      return {
        subject: {
          async before() {
            await delivery?.stop(1000);
            reset();
            // A handler of its own for each run: it begins at the first event.
            const handler = defineHandler({
              ...{ name: `bench-${++runs}`, events: [orderPlaced], concurrency: 64, startFrom: "beginning" },
              on: { "order.placed": take },
            });
            const config = checkConfig(defineConfig({ events: [orderPlaced], upcasters: [upcasters], handlers: [handler] }));
            const { handlers, limits } = config;
            delivery = makeDelivery({
              handlers,
              catalog: config.catalog,
              log,
              clock: systemClock,
              newId,
              random: Math.random,
              limits,
              logger: silent,
              build: "bench",
            });
          },
          async go() {
            await delivery!.start();
            await all.promise;
            return count;
          },
        },
        floor: {
          async before() {
            await delivery?.stop(1000);
            delivery = null;
            reset();
          },
          async go() {
            await readBare(count, (data) => {
              lift(data);
              take();
            });
            return count;
          },
        },
        async close() {
          await delivery?.stop(1000);
          await close();
        },
      };
    },
  };
}
