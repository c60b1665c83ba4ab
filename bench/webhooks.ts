import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Agent, request } from "undici";
import { defineEvent } from "../src/catalog/define.ts";
import { openStore } from "../src/compose.ts";
import { defineConfig } from "../src/config/config.ts";
import { webhookHandler } from "../src/delivery/handler.ts";
import type { Store } from "../src/store/store.ts";
import { startNode } from "./child.ts";
import { urlOf } from "./http.ts";
import type { Benchmark, Run } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const orderPlaced = defineEvent("order.placed", { 1: orderV1 });
const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const concurrency = 64;

/**
 * Delivering to a webhook on this machine, signed, in order per entity, with journal and views. The receiver is a process of its own that reads each body and
 * answers 204. The floor posts bodies of the same size from a bare loop of undici with as many connections: no signature, no order, no record.
 *
 * `deliver-webhook` catches up with a log that nobody has read yet. `redrive-webhook` replays one dead letter of each entity. Each of their runs opens a store
 * anew. `…-warm` has one store for all runs, as a service that has been up for a while: a handler that was paused is resumed, and the same replay.
 */
export const webhookBenchmarks: readonly Benchmark[] = [
  webhook("deliver-webhook", { events: 10_000, ofEach: 10, target: 0.6 }, async ({ start, append }) => {
    await append();
    return start;
  }),
  webhook("redrive-webhook", { events: 2000, ofEach: 1, target: 0.6 }, toReplay),
  webhook("deliver-webhook-warm", { events: 10_000, ofEach: 10, isWarm: true }, async ({ store, start, append }) => {
    await start();
    await store.pauseHandler("shop");
    await append();
    return async () => void (await store.resumeHandler("shop"));
  }),
  webhook("redrive-webhook-warm", { events: 2000, ofEach: 1, isWarm: true }, toReplay),
];

async function toReplay({ store, start, append, events, receiver }: Scene): Promise<() => Promise<void>> {
  await receiver.set("down");
  await start();
  await append();
  while ((await store.views.deadLetterStats({ tenant: "default" })).total < events) await wait(20);
  await receiver.set("up");
  return async () => void (await store.replayBatch({}, { maxEvents: events }));
}

interface Size {
  readonly events: number;
  /** Events of each entity. */
  readonly ofEach: number;
  readonly target?: number;
  /** One store serves all runs. */
  readonly isWarm?: boolean;
}

interface Scene {
  readonly store: Store;
  readonly events: number;
  readonly receiver: Receiver;
  /** Starts the store, unless an earlier run has started it. */
  start(): Promise<void>;
  /** Appends all events, round after round over the entities. */
  append(): Promise<void>;
}

interface Receiver {
  readonly url: string;
  set(state: "up" | "down"): Promise<void>;
  /** Resolves when it has taken so many since it was set. */
  after(count: number): Promise<void>;
}

/** @param arrange not timed; what it gives back is, until the receiver has taken every event. */
function webhook(name: string, { events, ofEach, target, isWarm = false }: Size, arrange: (scene: Scene) => Promise<() => Promise<void>>): Benchmark {
  return {
    name,
    unit: "events/s",
    ...(target === undefined ? {} : { target }),
    quickScale: 0.2,
    async prepare(scale) {
      const folder = temporaryFolder();
      const count = Math.round((events * scale) / ofEach) * ofEach;
      const child = startNode(new URL("./processes/receiver.ts", import.meta.url));
      const receiver = receiverAt(await urlOf(child));
      const handler = webhookHandler({
        ...{ name: "shop", url: `${receiver.url}/hook`, secret, concurrency, startFrom: "beginning" as const },
        events: [orderPlaced],
        retry: { maxAttempts: 1 },
      });
      let runs = 0;
      let store: Store | null = null;
      let started: Store | null = null;
      let work: () => Promise<void>;
      const subject: Run = {
        async before() {
          await receiver.set("up");
          const open = (store ??= await openStore(defineConfig({ events: [orderPlaced], handlers: [handler] }), {
            log: `sqlite:${join(folder, String(++runs))}`,
          }));
          const start = async () => {
            if (started === open) return;
            started = open;
            await open.start();
          };
          work = await arrange({ store: open, events: count, receiver, start, append: () => appendRounds(open, count, ofEach) });
          if (isWarm) await atRest(open);
        },
        async go() {
          await Promise.all([work(), receiver.after(count)]);
          return count;
        },
      };
      const floor = bareLoop(receiver, count);
      return {
        subject,
        floor: {
          async before() {
            if (isWarm) await atRest(store!);
            else {
              await store?.close();
              store = null;
            }
            await receiver.set("up");
          },
          go: floor.go,
        },
        async close() {
          await store?.close();
          await floor.close();
          await child.kill();
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}

/** Nothing of a run is left to be recorded or shown, which would go on beside what is timed next. The views wait for a quarter of a second at most. */
async function atRest({ views }: Store): Promise<void> {
  for (let before = ""; before !== views.position(); ) {
    before = views.position();
    await wait(600);
  }
}

function receiverAt(url: string): Receiver {
  return {
    url,
    async set(state) {
      await (await fetch(`${url}/state/${state}`, { method: "POST" })).text();
    },
    async after(count) {
      await (await fetch(`${url}/after/${count}`)).text();
    },
  };
}

async function appendRounds(store: Store, count: number, ofEach: number): Promise<void> {
  const lanes = count / ofEach;
  for (let round = 0; round < ofEach; round++)
    for (let from = 0; from < lanes; from += 1000)
      await store.append(
        Array.from({ length: Math.min(1000, lanes - from) }, (_, lane) => ({
          type: "order.placed",
          entity: { type: "order", id: String(from + lane) },
          data: sampleOrder(from + lane).data,
        })),
      );
}

/** Posts of the size that ours have. */
function bareLoop({ url }: Receiver, count: number) {
  const agent = new Agent({ connections: concurrency });
  const body = JSON.stringify({
    ...{ specversion: "1.0", id: "01a0b1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b", type: "order.placed", source: "reprise", subject: "order/1234" },
    ...{ time: "2026-01-01T00:00:00.000Z", datacontenttype: "application/json", schemaversion: 1, revision: 0, recordedtime: "2026-01-01T00:00:00.000Z" },
    ...{ tenant: "default", priority: "normal", deliveryid: "01a0b1c2-d3e4-5f56-8a9b-0c1d2e3f4a5b", attempt: 1, data: sampleOrder(1).data },
  });
  const headers = { "content-type": "application/cloudevents+json" };
  return {
    async go() {
      let left = count;
      const one = async () => {
        while (left-- > 0) {
          const answer = await request(`${url}/hook`, { dispatcher: agent, method: "POST", headers, body });
          await answer.body.dump();
        }
      };
      await Promise.all(Array.from({ length: concurrency }, one));
      return count;
    },
    close: () => agent.close(),
  };
}
