import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { defineEvent } from "../src/catalog/define.ts";
import { makeCatalog } from "../src/catalog/make-catalog.ts";
import { openStore } from "../src/compose.ts";
import { defineConfig } from "../src/config/config.ts";
import { defineHandler } from "../src/delivery/handler.ts";
import type { StoredEvent } from "../src/event/event.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import type { Store } from "../src/store/store.ts";
import type { Benchmark } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const orderPlaced = defineEvent("order.placed", { 1: orderV1 });
const eventsOfLane = 10;

/**
 * Delivering to a function that does nothing, in order per entity. The floor reads the same log, lifts each event and awaits the same function:
 * no lanes, no journal, no views.
 *
 * `deliver` catches up with a log that nobody has read yet. `replay-letters` replays one dead letter of each lane, and the nine events that each
 * of them holds follow.
 */
export const deliveryBenchmarks: readonly Benchmark[] = [
  delivery("deliver", 0.5, async ({ store, lanes }) => {
    await append(store, lanes);
    return () => store.start();
  }),
  delivery("replay-letters", 0.35, async ({ store, lanes, mail }) => {
    mail.down = true;
    await store.start();
    await append(store, lanes);
    while ((await store.views.deadLetterStats({ tenant: "default" })).total < lanes) await wait(20);
    mail.down = false;
    return async () => {
      await store.replayBatch({}, { maxEvents: lanes });
    };
  }),
];

interface Scene {
  readonly store: Store;
  readonly lanes: number;
  readonly mail: { down: boolean };
}

/** @param arrange not timed; what it gives back is, until all events were handled. */
function delivery(name: string, target: number, arrange: (scene: Scene) => Promise<() => Promise<void>>): Benchmark {
  return {
    name,
    target,
    unit: "events/s",
    async prepare(scale) {
      const folder = temporaryFolder();
      const lanes = Math.round(1000 * scale);
      const count = lanes * eventsOfLane;
      const mail = { down: false };
      let handled = 0;
      let all = Promise.withResolvers<void>();
      const send = async () => {
        if (mail.down) throw new Error("down");
        if (++handled === count) all.resolve();
      };
      const handler = defineHandler({
        name: "mailer",
        events: [orderPlaced],
        concurrency: 64,
        startFrom: "beginning",
        retry: { maxAttempts: 1 },
        on: { "order.placed": send },
      });
      const catalog = makeCatalog({ events: [orderPlaced] });
      let runs = 0;
      let path: string;
      let store: Store;
      let work: () => Promise<void>;
      let log: Awaited<ReturnType<typeof openSqliteLog>>;
      const reset = () => {
        handled = 0;
        all = Promise.withResolvers();
      };

      return {
        subject: {
          async before() {
            reset();
            path = join(folder, String(++runs));
            store = await openStore(defineConfig({ events: [orderPlaced], handlers: [handler] }), { log: `sqlite:${path}` });
            work = await arrange({ store, lanes, mail });
          },
          async go() {
            await work();
            await all.promise;
            return count;
          },
        },
        floor: {
          async before() {
            await store.close();
            reset();
            log = await openSqliteLog(path);
          },
          async go() {
            for await (const batch of log.readAll({ filter: { types: ["order.placed"] } })) for (const event of batch) await lift(event);
            return count;
          },
        },
        async close() {
          await log.close();
          rmSync(folder, { recursive: true });
        },
      };

      async function lift(event: StoredEvent): Promise<void> {
        if (catalog.current(event).ok) await send();
      }
    },
  };
}

/** Round after round over all entities, as traffic comes. */
async function append(store: Store, lanes: number): Promise<void> {
  for (let round = 0; round < eventsOfLane; round++) {
    const events = Array.from({ length: lanes }, (_, lane) => ({
      type: "order.placed",
      entity: { type: "order", id: String(lane) },
      data: sampleOrder(lane).data,
    }));
    await store.append(events);
  }
}
