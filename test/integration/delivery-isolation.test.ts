import { setTimeout as elapse } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { type Call, checkHistory, countDeliveries, makeHistory, readLogRows } from "../support/history-checker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ sentMs: z.number() }) });
const failingLanes = 1000;
/** Every tenth failing call holds its slot so long, as one that times out does. */
const hangMs = 500;
const healthyLanes = 50;
const samples = 600;
/** Failing calls that begin during a measurement, at least. */
const retries = 300;
/** A round that others on the machine disturbed is measured again; a lane that waits for failing ones would be late in every round. */
const rounds = 5;
/** Appends under way at once while the start delay is measured. */
const senders = 4;
const moreEvents = 20_000;
/** What is kept of 20,000 events may be a cache that fills; a kilobyte an event would be 20 MB. */
const heapSlackBytes = 8 * 1024 * 1024;

const event = (entity: string): EventInput => ({ type: "order.placed", entity: { type: "order", id: entity }, data: { sentMs: performance.now() } });
const several = (count: number, name: (index: number) => string): readonly EventInput[] => Array.from({ length: count }, (_, index) => event(name(index)));

function openScene() {
  const slow = Promise.withResolvers<void>();
  const delaysMs: number[] = [];
  const history = makeHistory();
  const state = { broken: true, failedCalls: 0, healthyCalls: 0 };
  const handler = defineHandler({
    name: "agents",
    events: [placed],
    timeoutMs: 900_000,
    retry: { maxAttempts: 1000, initialDelayMs: 100, maxDelayMs: 2000, jitter: 0.2 },
    on: {
      "order.placed": async ({ data, entity, tenant, revision }, { attempt, deliveryId }) => {
        if (entity.id.startsWith("healthy")) {
          state.healthyCalls++;
          delaysMs.push(performance.now() - data.sentMs);
          return;
        }
        const call = history.begin({ lane: `${tenant}.order-${entity.id}`, revision, attempt, deliveryId, replayId: null });
        if (entity.id === "slow" && revision === 0) await slow.promise;
        if (entity.id.startsWith("failing") && state.broken) {
          state.failedCalls++;
          if (entity.id.endsWith("0")) await elapse(hangMs); // more of these than slots, at any time
          history.end(call, "failed");
          throw new Error("the model is down");
        }
        history.end(call, "completed");
      },
    },
  });
  return { config: defineConfig({ events: [placed], handlers: [handler] }), slow, delaysMs, history, state };
}

/** Milliseconds from append to the handler's start, the 99th of a hundred, over a steady stream of `samples` appends, or as many as `enough` takes. */
async function startDelayMs(store: Store, { delaysMs, state }: ReturnType<typeof openScene>, enough: () => boolean = () => true): Promise<number> {
  const before = state.healthyCalls;
  delaysMs.length = 0;
  let sent = 0;
  const send = async () => {
    while (sent < samples || !enough()) await store.append(event(`healthy-${sent++ % healthyLanes}`));
  };
  await Promise.all(Array.from({ length: senders }, send));
  await expect.poll(() => state.healthyCalls, { timeout: 20_000, interval: 5 }).toBe(before + sent);
  return delaysMs.toSorted((a, b) => a - b)[Math.ceil(delaysMs.length * 0.99) - 1]!;
}

/** Bytes in use after a full collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const lastCheckpoint = (folder: string): number =>
  Number(readLogRows(folder).findLast(({ stream, type }) => stream.startsWith("reprise.journal-") && type === "progress")?.data.checkpoint);

describe("a call of ten minutes and a thousand lanes that fail", () => {
  it("delay no other lane, hold no checkpoint and no memory", { timeout: 90_000 }, async () => {
    const folder = temporaryFolder();
    const scene = openScene();
    const { slow, state, history, delaysMs } = scene;
    const store = await startStore(scene.config, folder);
    await startDelayMs(store, scene); // warm
    const alone = await startDelayMs(store, scene);

    const [first] = await store.append(several(3, () => "slow"));
    await store.append(event("healthy-0"));
    // After a second the slow call gives its lane up, with little else to read.
    await expect.poll(() => lastCheckpoint(folder), { timeout: 25_000 }).toBeGreaterThan(Number(first!.position) + 2);

    const [failing] = await store.append(several(failingLanes, (index) => `failing-${index}`));
    await store.append(several(failingLanes, (index) => `failing-${index}`));
    await expect.poll(() => new Set(history.calls.filter(({ outcome }) => outcome === "failed").map(({ lane }) => lane)).size, { timeout: 20_000 }).toBe(1000);
    const limitMs = 2 * alone + 100;
    const beside: number[] = [];
    do {
      const target = state.failedCalls + retries;
      beside.push(await startDelayMs(store, scene, () => state.failedCalls >= target));
    } while (beside.at(-1)! > limitMs && beside.length < rounds);
    const shown = beside.map((ms) => ms.toFixed(1)).join(", ");
    console.info(`start delay p99: ${alone.toFixed(1)} ms alone, ${shown} ms beside ${failingLanes} failing lanes and a slow call`);
    expect(beside.at(-1)).toBeLessThanOrEqual(limitMs);

    await expect.poll(() => lastCheckpoint(folder), { timeout: 20_000 }).toBeGreaterThan(Number(failing!.position) + 2 * failingLanes);
    await handlerShows(store, folder, "agents", { waiting: 3 + 2 * failingLanes, lanes: { blocked: 0 } });

    const heapBefore = heapBytes();
    const target = state.healthyCalls + moreEvents;
    let last = 0;
    for (let sent = 0; sent < moreEvents; sent += 1000) {
      const appended = await store.append(several(1000, (index) => `healthy-${index % healthyLanes}`));
      last = Number(appended[0]!.position);
      delaysMs.length = 0;
    }
    await expect.poll(() => state.healthyCalls, { timeout: 30_000 }).toBe(target);
    await expect.poll(() => lastCheckpoint(folder), { timeout: 20_000 }).toBeGreaterThan(last);
    await handlerShows(store, folder, "agents", { waiting: 3 + 2 * failingLanes });
    const grownBytes = heapBytes() - heapBefore;
    console.info(`heap after ${moreEvents} more events: ${(grownBytes / 1024).toFixed(0)} KiB more`);
    expect(grownBytes).toBeLessThan(heapSlackBytes);

    state.broken = false;
    slow.resolve();
    await handlerShows(store, folder, "agents", { waiting: 0 });
    const counted = countDeliveries(readLogRows(folder), "agents");
    const watched = (entry: readonly [string, unknown]): boolean => !entry[0].startsWith("default.order-healthy");
    const story = {
      letters: counted.letters,
      wanted: new Map([...counted.wanted].filter(watched)),
      statuses: new Map([...counted.statuses].filter(watched)),
    };
    expect(checkHistory(history.calls, story)).toEqual([]);
    const attempts = (calls: readonly Call[]) => Math.max(...calls.map(({ attempt }) => attempt));
    expect(attempts(history.calls.filter(({ lane }) => lane === "default.order-slow"))).toBe(1);
  });
});
