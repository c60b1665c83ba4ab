/** A division that an end of the process cuts off at any append, before it or before its answer, is gone on with. */
import { describe, expect, it } from "vitest";
import { assemble, makePlan } from "../../src/assemble.ts";
import { nobodyTold } from "../../src/delivery/partition/ends.ts";
import { copyLog } from "../../src/log/copy/copy.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { Store } from "../../src/store/store.ts";
import { checkHistory, countDeliveries, type LogRow } from "../support/history-checker.ts";
import { arrange, because, type Desk, makeDesk, namesOf, order, pictureOf, release } from "../support/repartition-scene.ts";
import { handlerView } from "../support/test-store.ts";

const base = openMemoryLog();
const desk = makeDesk({ partitions: 2 });
const names = namesOf(1);
let lives = 0;

async function live(log: EventLog, { config }: Desk = desk, warn: (text: string) => void = () => {}): Promise<Store> {
  const life = `life ${lives++}`;
  const ends = () => ({ ...nobodyTold, life, watch() {}, settled() {}, close() {} });
  const ground = { openLog: async () => log, viewsFile: ":memory:", ends, limits: { flushMs: 1 }, alerts: false } as const;
  const store = await assemble(makePlan(config, { lock: false, logger: { info() {}, error() {}, warn: (_about, text) => warn(text) } }), ground);
  await store.start();
  return store;
}

/** A handle of a process that dies at one of its appends: neither does anything of it reach the log from then on. */
function mortal(handle: EventLog) {
  let left = Number.POSITIVE_INFINITY;
  let isDead = false;
  const step = () => {
    isDead ||= left-- <= 0;
    if (isDead) throw new Error("the process has died");
  };
  const log = new Proxy(handle, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || name === "close") return member;
      return (...given: unknown[]) => {
        if (isDead) throw new Error("the process has died");
        if (name !== "append") return member.apply(target, given) as unknown;
        return (async () => {
          step();
          const answer = (await member.apply(target, given)) as unknown;
          step();
          return answer;
        })();
      };
    },
  });
  return { log, dieAfter: (steps: number) => void (left = steps), isDead: () => isDead };
}

async function rows(): Promise<readonly LogRow[]> {
  const log = base.reopen();
  const found: LogRow[] = [];
  for await (const batch of log.readAll())
    for (const { position, data, ...row } of batch) found.push({ ...row, position: Number(position), data: data as LogRow["data"] });
  return found;
}

const settled = async (store: Store) => store.views.waitFor(await base.head());

describe("a division that was cut off", () => {
  it("goes on when it is asked for again, and nothing has changed but the partitions", { timeout: 120_000 }, async () => {
    const begun = await live(base.reopen());
    await arrange(begun, names);
    await settled(begun);
    const before = await pictureOf(begun, names);
    await begun.close();
    let standing = 0;
    for (let steps = 0; ; steps++) {
      const process = mortal(base.reopen());
      const dying = await live(process.log);
      process.dieAfter(steps);
      const first = await dying.repartitionHandler("desk", 3, because).catch((error: unknown) => error);
      const isWhole = !(first instanceof Error); // what comes then are the claims of any start
      await dying.close().catch(() => {});

      const store = await live(base.reopen());
      await settled(store);
      const { fault } = await handlerView(store, "desk");
      if (fault !== null) {
        standing++;
        expect(fault).toContain("`reprise handlers repartition desk --partitions 3` goes on with it");
        expect(store.notReady()).toContain("handler desk stands still: REPARTITION_RUNNING");
        await expect(store.repartitionHandler("desk", 5, because)).rejects.toMatchObject({ code: "REPARTITION_RUNNING" });
      }
      expect(["repartitioned", "unchanged"]).toContain((await store.repartitionHandler("desk", 3, because)).state);
      await settled(store);
      expect([steps, await pictureOf(store, names)]).toEqual([steps, before]);
      await store.repartitionHandler("desk", 2, because);
      await settled(store);
      expect([steps, await pictureOf(store, names)]).toEqual([steps, before]);
      await store.close();
      if (!isWhole) continue;
      expect(first).toMatchObject({ state: "repartitioned", partitions: 3, before: 2 });
      expect(steps).toBeGreaterThan(20);
      expect(standing).toBeGreaterThan(10);
      break;
    }
    const store = await live(base.reopen());
    await store.append(order("fine0", 3));
    await expect.poll(() => desk.done.get("fine0")).toEqual([0, 1, 2, 3]);
    await store.close();
    expect(checkHistory(desk.history.calls, countDeliveries(await rows(), "desk"))).toEqual([]);
  });
});

it("a copy of the log has the handler as it is divided, with the data of amendments that stand in its journals of before", async () => {
  const log = openMemoryLog();
  const desk = makeDesk({ partitions: 2 });
  const store = await live(log.reopen(), desk);
  await arrange(store, names);
  await store.repartitionHandler("desk", 3, because);
  await store.views.waitFor(await log.head());
  const { view, lanes } = await pictureOf(store, names);
  await store.close();
  const target = openMemoryLog();
  await copyLog({ source: log.reopen(), target, together: true, verify: true, signal: new AbortController().signal, onProgress: () => {} });
  const copy = await live(target.reopen(), desk);
  await copy.views.waitFor(await target.head());
  const copied = await pictureOf(copy, names);
  expect([copied.view, copied.lanes]).toEqual([view, lanes]);
  expect(copy.cluster().partitions).toHaveLength(3);
  await release(copy, desk, names, 3);
  for (const id of names) expect([id, desk.done.get(id)]).toEqual([id, [0, id.startsWith("letter") ? 101 : 1, 2, 3]]);
  expect(await copy.repartitionHandler("desk", 2, because)).toMatchObject({ state: "repartitioned", before: 3 });
  await copy.close();
});

it("a config with another number than the log's names the command", async () => {
  const log = openMemoryLog();
  await (await live(log.reopen(), makeDesk({ partitions: 2 }))).close();
  const warnings: string[] = [];
  const store = await live(log.reopen(), makeDesk({ partitions: 8 }), (warning) => void warnings.push(warning));
  expect(store.cluster().partitions).toHaveLength(2);
  expect(warnings.join()).toContain("`reprise handlers repartition desk --partitions 8` divides it anew");
  for (const none of [0, 65, 1.5, Number.NaN]) await expect(store.repartitionHandler("desk", none)).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  await expect(store.repartitionHandler("nobody", 2)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await store.close();
});
