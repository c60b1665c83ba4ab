import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
const orderPlaced = defineEvent("order.placed", { 1: orderV1, 2: orderV2, 3: orderV2.extend({ currency: z.string() }) });
const upcasters = defineUpcasters(orderPlaced, {
  1: ({ total, ...rest }) => ({ ...rest, totalCents: Math.round(total * 100) }),
  2: (data) => ({ ...data, currency: "EUR" }),
});
const silent = { info() {}, warn() {}, error() {} };

/**
 * The log from its first event through lanes, two upcast steps and every check to a handler that does nothing, journal on, in order for each entity.
 * The floor reads the same log, lifts each event and calls the same function: no lanes, no journal. No views run beside either.
 */
export const orderedBenchmarks: readonly Benchmark[] = [
  ordered("replay-ordered", { events: 1_000_000, lanes: 10_000, target: 0.7, open: openEmbedded }),
  ordered("replay-eventstoredb", { events: 50_000, lanes: 5_000, target: 0.8, open: openServer }),
];

interface Opened {
  readonly log: EventLog;
  close(): Promise<void>;
}

async function openEmbedded(): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  const log = await openSqliteLog(folder);
  return {
    log,
    async close() {
      await log.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openServer(): Promise<Opened> {
  const standIn = await spawnStandIn("", 0);
  const log = await openEventStoreDbLog(standIn.url);
  return {
    log,
    async close() {
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
      const { log, close } = await open();
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
      const { catalog } = checkConfig(defineConfig({ events: [orderPlaced], upcasters: [upcasters] }));

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
            for await (const batch of log.readAll({ filter: { types: ["order.placed"] } })) for (const event of batch) if (catalog.current(event).ok) take();
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
