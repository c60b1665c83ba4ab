import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { EventStoreDBClient, eventTypeFilter, START } from "@eventstore/db-client";
import { z } from "zod";
import type { DeepReadonly } from "../src/catalog/deep-readonly.ts";
import { defineEvent, defineUpcasters, type EventDefinition, type UpcasterChain } from "../src/catalog/define.ts";
import { checkConfig, defineConfig } from "../src/config/config.ts";
import { defineHandler } from "../src/delivery/handler.ts";
import { makeRunningHandlers, type RunningHandlers } from "../src/delivery/running-handlers.ts";
import { systemClock } from "../src/event/clock.ts";
import type { NewEvent } from "../src/event/event.ts";
import { newId } from "../src/event/ids.ts";
import type { EventLog } from "../src/log/event-log.ts";
import { openEventStoreDbLog } from "../src/log/eventstoredb/open-eventstoredb-log.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import { type EventRow, eventColumns } from "../src/log/sqlite/row.ts";
import { makeAppender } from "../src/store/append/append.ts";
import { makeFollowUpAppends } from "../src/store/append/follow-up-appends.ts";
import { spawnStandIn } from "../test/support/eventstore-stand-in/spawn.ts";
import { fill } from "./fill.ts";
import type { Benchmark } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const orderV2 = orderV1.omit({ total: true }).extend({ totalCents: z.int() });
const orderV3 = orderV2.extend({ currency: z.string() });
const orderPlaced = defineEvent("order.placed", { 1: orderV1, 2: orderV2, 3: orderV3 });
const v1ToV2 = ({ total, ...rest }: DeepReadonly<z.output<typeof orderV1>>) => ({ ...rest, totalCents: Math.round(total * 100) });
const v2ToV3 = (data: DeepReadonly<z.output<typeof orderV2>>) => ({ ...data, currency: "EUR" });
const upcasters = defineUpcasters(orderPlaced, { 1: v1ToV2, 2: v2ToV3 });
const lift = (data: unknown) => orderV3.parse(v2ToV3(orderV2.parse(v1ToV2(orderV1.parse(data)))));
const silent = { info() {}, warn() {}, error() {} };

/** What is in the log, and how it is lifted by hand. */
interface Material {
  readonly events: readonly EventDefinition[];
  readonly upcasters: readonly UpcasterChain[];
  readonly sample: (number: number) => NewEvent;
  readonly lift: (data: unknown, type: string, schemaVersion: number) => unknown;
}

const orders: Material = { events: [orderPlaced], upcasters: [upcasters], sample: sampleOrder, lift };

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
  readBare(count: number, take: (data: unknown, type: string, schemaVersion: number) => void): Promise<void>;
  close(): Promise<void>;
}

export async function openEmbedded({ events }: Material): Promise<Opened> {
  const folder = temporaryFolder();
  const types = events.map(({ type }) => `'${type}'`).join(", ");
  const log = await openSqliteLog(folder);
  const db = new DatabaseSync(join(folder, "log.db"), { readOnly: true });
  const page = db.prepare(`select ${eventColumns} from events e where position > ? and type in (${types}) order by position limit 512`, { returnArrays: true });
  return {
    log,
    async readBare(_count, take) {
      for (let after: SQLInputValue = 0; ; ) {
        const rows = page.all(after) as unknown as readonly EventRow[];
        for (const row of rows) {
          JSON.parse(row[9]);
          take(JSON.parse(row[10]!), row[4], row[5]);
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
        take(event?.data, orderPlaced.type, 1);
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

export function ordered(
  name: string,
  {
    events,
    lanes,
    target,
    open,
    material = orders,
  }: {
    readonly events: number;
    readonly lanes: number;
    readonly target: number;
    readonly open: (material: Material) => Promise<Opened>;
    readonly material?: Material;
  },
): Benchmark {
  return {
    name,
    unit: "events/s",
    target,
    runs: 3,
    async prepare(scale) {
      const { log, readBare, close } = await open(material);
      const count = Math.round(events * scale);
      const entities = Math.max(100, Math.round(lanes * scale));
      await fill(log, count, entities, material.sample);
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
      let delivery: RunningHandlers | null = null;

      return {
        subject: {
          async before() {
            await delivery?.stop(1000);
            reset();
            // A handler of its own for each run: it begins at the first event.
            const handler = defineHandler({
              ...{ name: `bench-${++runs}`, events: material.events, concurrency: 64, startFrom: "beginning" },
              on: Object.fromEntries(material.events.map(({ type }) => [type, take])),
            });
            const config = checkConfig(defineConfig({ events: material.events, upcasters: material.upcasters, handlers: [handler] }));
            const { handlers, limits } = config;
            delivery = makeRunningHandlers({
              handlers,
              catalog: config.catalog,
              log,
              clock: systemClock,
              newId,
              random: Math.random,
              limits,
              logger: silent,
              appends: makeFollowUpAppends(makeAppender({ catalog: config.catalog, log, newId }), { catalog: config.catalog, log, newId, clock: systemClock }),
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
            await readBare(count, (data, type, schemaVersion) => {
              material.lift(data, type, schemaVersion);
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
