import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { defineEvent } from "../src/catalog/define.ts";
import { makeCatalog } from "../src/catalog/make-catalog.ts";
import { openStore } from "../src/compose.ts";
import { defineConfig } from "../src/config/config.ts";
import { defineHandler, type HandlerDefinition } from "../src/delivery/handler.ts";
import { defineIntegration } from "../src/delivery/integration-definition.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import { type Benchmark, median, type Run } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const orderPlaced = defineEvent("order.placed", { 1: orderV1 });
const catalog = makeCatalog({ events: [orderPlaced] });
const lanes = 10_000;
const eventsOfLane = 2;
/** About a tenth of what the same store takes at full speed, so that nothing queues but for the poison. */
const eventsPerSecond = 2000;
const tickMs = 5;

/**
 * How long an event of a healthy lane waits, from its append's call to its handler's: the 99th percentile, while events come at a steady rate over
 * 10,000 lanes. None, 1 % or 10 % of the lanes fail each call: one retry after 100 ms, then a dead letter, behind which the lane's later events are held.
 *
 * In `poisoned-breaker` 10 % fail, and a second handler of the same events calls an integration that is down, so that all its lanes wait for its breaker.
 *
 * The floor of `poisoned-0` is a subscription to such a log that calls the same function: no lanes, no journal, no views. The floor of the others is
 * `poisoned-0`'s own work, right after; that of `poisoned-breaker` has both handlers, and nothing fails.
 */
export const poisonedBenchmarks: readonly Benchmark[] = [
  ...[0, 1, 10].map((percent) =>
    benchmarkOf(`poisoned-${percent}`, {
      subject: (path, take) => openReprise(path, take, workerOf(percent)),
      floor: percent === 0 ? openBare : (path, take) => openReprise(path, take, workerOf(0)),
      percent,
      ...(percent === 0 ? { target: 1.3, mostMs: 3 } : {}),
    }),
  ),
  benchmarkOf("poisoned-breaker", {
    subject: (path, take) => openReprise(path, take, workerOf(10), callerOf("down")),
    floor: (path, take) => openReprise(path, take, workerOf(0), callerOf("up")),
    percent: 10,
  }),
];

interface Poisoned {
  readonly subject: Open;
  readonly floor: Open;
  /** Of lanes that are not looked at, because they fail where anything does. */
  readonly percent: number;
  /** How many times the floor it may be. Default 1.2. */
  readonly target?: number;
  /** What it may be at most beside that, at full size. */
  readonly mostMs?: number;
}

function benchmarkOf(name: string, { subject, floor, percent, target = 1.2, mostMs }: Poisoned): Benchmark {
  return {
    name,
    unit: "ms",
    target,
    bound: "ratio at most",
    figure: "own",
    runs: 3,
    async prepare(scale) {
      const folder = temporaryFolder();
      let runs = 0;
      const run = (open: Open, delays: number[]): Run => ({
        async go() {
          const path = join(folder, String(++runs));
          const delayMs = await percentile99(open, path, Math.round(lanes * scale), percent);
          rmSync(path, { recursive: true });
          delays.push(delayMs);
          return delayMs;
        },
      });
      const delays: number[] = [];
      return {
        subject: run(subject, delays),
        floor: run(floor, []),
        fault() {
          if (mostMs === undefined || scale < 1) return null;
          const middle = median(delays.slice(1)); // the first warmed up
          return middle > mostMs ? `it is ${middle.toFixed(1)} ms, and ${mostMs} are wanted at most` : null;
        },
        async close() {
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}

interface Opened {
  append(lane: number): Promise<void>;
  close(): Promise<void>;
}
/** @param take is called with the lane of each event, as a handler. */
type Open = (path: string, take: (lane: number) => void) => Promise<Opened>;

/** Of each hundred lanes the first `percent`, so that failing lanes are spread evenly among healthy ones. */
const isPoisoned = (lane: number, percent: number) => lane % 100 < percent;

async function percentile99(open: Open, path: string, laneCount: number, percent: number): Promise<number> {
  const healthyLanes = Array.from({ length: laneCount }, (_, lane) => lane).filter((lane) => !isPoisoned(lane, percent));
  const calls = new Map(healthyLanes.map((lane) => [lane, [] as number[]]));
  const appends = new Map(healthyLanes.map((lane) => [lane, [] as number[]]));
  let left = healthyLanes.length * eventsOfLane;
  const all = Promise.withResolvers<void>();
  const store = await open(path, (lane) => {
    calls.get(lane)?.push(performance.now());
    if (calls.has(lane) && --left === 0) all.resolve();
  });
  try {
    const append = async (lane: number) => {
      appends.get(lane)?.push(performance.now());
      await store.append(lane);
    };
    const pending: Promise<void>[] = [];
    const startedMs = performance.now();
    for (let sent = 0; sent < laneCount * eventsOfLane; await wait(tickMs)) {
      const due = Math.min(laneCount * eventsOfLane, Math.ceil(((performance.now() - startedMs) / 1000) * eventsPerSecond));
      for (; sent < due; sent++) pending.push(append(sent % laneCount));
    }
    await Promise.all(pending);
    await all.promise;
  } finally {
    await store.close();
  }
  const delaysMs = healthyLanes.flatMap((lane) => calls.get(lane)!.map((calledMs, turn) => calledMs - appends.get(lane)![turn]!));
  return delaysMs.sort((a, b) => a - b)[Math.floor(delaysMs.length * 0.99)]!;
}

type MakeHandler = (take: (lane: number) => void) => HandlerDefinition;
const common = { events: [orderPlaced], concurrency: 64, startFrom: "beginning" } as const;
const bank = defineIntegration({ name: "bank" });

const workerOf =
  (percent: number): MakeHandler =>
  (take) =>
    defineHandler({
      ...common,
      name: "worker",
      retry: { maxAttempts: 2, initialDelayMs: 100 },
      on: {
        "order.placed": async ({ entity }) => {
          take(Number(entity.id));
          if (isPoisoned(Number(entity.id), percent)) throw new Error("poisoned");
        },
      },
    });

/** Beside it: nobody looks at when it is called. */
const callerOf =
  (state: "up" | "down"): MakeHandler =>
  () =>
    defineHandler({
      ...common,
      name: "caller",
      integration: bank.name,
      on: {
        "order.placed": async () => {
          if (state === "down") throw new Error("the bank is down");
        },
      },
    });

async function openReprise(path: string, take: (lane: number) => void, ...makers: readonly MakeHandler[]): Promise<Opened> {
  const handlers = makers.map((make) => make(take));
  const store = await openStore(defineConfig({ events: [orderPlaced], integrations: [bank], handlers }), { log: `sqlite:${path}` });
  await store.start();
  return {
    async append(lane) {
      await store.append({ type: "order.placed", entity: { type: "order", id: String(lane) }, data: sampleOrder(lane).data });
    },
    close: () => store.close(),
  };
}

async function openBare(path: string, take: (lane: number) => void): Promise<Opened> {
  const log = await openSqliteLog(path);
  const ending = new AbortController();
  const following = (async () => {
    for await (const { events } of log.subscribe({ after: 0n, filter: { types: ["order.placed"] }, signal: ending.signal }))
      for (const event of events) if (catalog.current(event).ok) take(Number(event.entity.id));
  })();
  return {
    async append(lane) {
      await log.append(`default.order-${lane}`, [sampleOrder(lane)], "any");
    },
    async close() {
      ending.abort();
      await following;
      await log.close();
    },
  };
}
