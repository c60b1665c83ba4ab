import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { defineEvent } from "../src/catalog/define.ts";
import { openStore } from "../src/compose.ts";
import { defineConfig } from "../src/config/config.ts";
import { defineHandler } from "../src/delivery/handler.ts";
import { systemClock } from "../src/event/clock.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import type { Store } from "../src/store/store.ts";
import type { Benchmark } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const orderPlaced = defineEvent("order.placed", { 1: orderV1 });
const noted = defineEvent("live.noted", { 1: z.object({ n: z.number() }) });
export const dayMs = 86_400_000;
export const firstDayMs = Date.parse("2026-01-01T00:00:00Z");
const oldDays = 5;
const runs = 5;
/** Three quarters of them go in a run. With more the row would take many minutes, and the percentile would say no more. */
const eventsPerDay = 4000;
/** A second, of lanes that nothing is wrong with. */
const livePerSecond = 500;
const liveLanes = 1000;
const tickMs = 5;

export interface Days {
  /** Events of each day but the last, which has the rest. */
  readonly perDay: number;
  readonly total: number;
  readonly entities: number;
  /** From the first day to the last. */
  readonly days: number;
}

export async function fillDays(folder: string, { perDay, total, entities, days }: Days): Promise<void> {
  let nowMs = firstDayMs;
  const log = await openSqliteLog(folder, { clock: { ...systemClock, now: () => nowMs } });
  const types = ["order", "chat", "trace", "other"];
  const eventsOfAppend = 5;
  const appendsAtOnce = 200;
  for (let from = 0; from < total; from += eventsOfAppend * appendsAtOnce) {
    nowMs = firstDayMs + Math.min(days, Math.floor(from / perDay)) * dayMs;
    await Promise.all(
      Array.from({ length: appendsAtOnce }, (_, index) => {
        const entity = (from / eventsOfAppend + index) % entities;
        const events = Array.from({ length: eventsOfAppend }, (_, turn) => sampleOrder(from + index * eventsOfAppend + turn));
        return log.append(`default.${types[entity % 4]}-${entity}`, events, "any");
      }),
    );
  }
  await log.close();
}

/**
 * How long an event of a healthy lane waits, from its append's call to its handler's, while a run of retention at the default rate archives and removes beside
 * it: the 99th percentile, from the run's begin to its end. The log has a million events of 10,000 entities, three rules, and views; each run takes 3,000 events,
 * in eight seconds. Meanwhile some 4,000 live events come, so the percentile stands on forty of them.
 *
 * The floor is the same store and the same traffic for as long, without a run.
 */
export const retentionBenchmark: Benchmark = {
  name: "retention",
  unit: "ms",
  target: 1.2,
  bound: "ratio at most",
  figure: "own",
  runs,
  async prepare(scale) {
    const folder = temporaryFolder();
    const total = Math.max(1_000_000 * scale, (runs + 3) * eventsPerDay);
    // Each run has a day more that is old enough.
    await fillDays(folder, { perDay: eventsPerDay, total, entities: Math.max(100, Math.round(10_000 * scale)), days: runs + 2 });
    let days = oldDays;
    const clock = { ...systemClock, now: () => firstDayMs + days * dayMs - dayMs / 2 };
    const archive = `file:${join(folder, "archive")}`;
    const calls = new Map<number, number>();
    const worker = defineHandler({
      ...{ name: "worker", events: [noted], startFrom: "beginning", concurrency: 64 },
      on: { "live.noted": async ({ data: { n } }) => void calls.set(n, performance.now()) },
    });
    const retention = {
      order: { afterDays: oldDays, archive },
      chat: { afterDays: oldDays, keepLast: 20, archive },
      trace: { afterDays: oldDays, archive },
    };
    const store = await openStore(defineConfig({ events: [orderPlaced, noted], handlers: [worker], retention }), { log: `sqlite:${folder}`, clock });
    await store.start();
    const live = makeLive(store, calls);
    await store.views.waitFor((await live.one()).position, 600_000);
    let durationMs = 0;
    return {
      subject: {
        async go() {
          days++;
          const { id } = await store.beginArchiveRun();
          const startedMs = performance.now();
          const delayMs = await live.percentile99(async () => (await store.archiveRun(id))!.state === "running");
          durationMs = performance.now() - startedMs;
          const { state, removed, why } = (await store.archiveRun(id))!;
          if (state !== "completed" || removed < eventsPerDay / 4) throw new Error(`The run removed ${removed} events, and is ${state}: ${why}`);
          return delayMs;
        },
      },
      floor: {
        go() {
          const endMs = performance.now() + durationMs;
          return live.percentile99(async () => performance.now() < endMs);
        },
      },
      async close() {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

function makeLive(store: Store, calls: Map<number, number>) {
  let sent = 0;
  const append = async (n: number) => (await store.append({ type: "live.noted", entity: { type: "live", id: String(n % liveLanes) }, data: { n } }))[0]!;
  return {
    one: () => append(sent++),
    /** @param goesOn asked between two ticks. */
    async percentile99(goesOn: () => Promise<boolean>): Promise<number> {
      const first = sent;
      const appends = new Map<number, number>();
      const pending: Promise<unknown>[] = [];
      const startedMs = performance.now();
      while (await goesOn()) {
        const due = first + Math.ceil(((performance.now() - startedMs) / 1000) * livePerSecond);
        for (; sent < due; sent++) {
          appends.set(sent, performance.now());
          pending.push(append(sent));
        }
        await wait(tickMs);
      }
      await Promise.all(pending);
      while ([...appends.keys()].some((n) => !calls.has(n))) await wait(tickMs);
      const delaysMs = Array.from(appends, ([n, at]) => calls.get(n)! - at).sort((one, other) => one - other);
      calls.clear();
      return delaysMs[Math.floor(delaysMs.length * 0.99)]!;
    },
  };
}
