/** Several stores of one process share a log server, each as an instance of its own. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler, openStore, type Store } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({ takesMs: z.number() }) });

interface Call {
  readonly instance: string;
  readonly entity: string;
  readonly revision: number;
  readonly startMs: number;
  endMs: number | null;
  aborted: boolean;
}

/** @param log what several instances share. */
async function open(log: string, instance: string, calls: Call[], instances: "one" | "many" = "many"): Promise<Store> {
  const handler = defineHandler({
    name: "desk",
    concurrency: 16,
    timeoutMs: 900_000,
    events: [happened],
    on: {
      "thing.happened": async (event, { signal }) => {
        const call: Call = { instance, entity: event.entity.id, revision: event.revision, startMs: performance.now(), endMs: null, aborted: false };
        calls.push(call);
        await wait(event.data.takesMs, undefined, { signal }).catch(() => {
          call.aborted = true;
        });
        signal.throwIfAborted();
        call.endMs = performance.now();
      },
    },
  });
  const store = await openStore(defineConfig({ events: [happened], handlers: [handler] }), { log, data: temporaryFolder(), instance, instances });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

const appendTo = async (store: Store, entities: number, each: number, takesMs = 5) => {
  for (let n = 0; n < each; n++)
    await store.append(
      Array.from({ length: entities }, (_, entity) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${entity}` }, data: { takesMs } })),
    );
};

const partsOf = (store: Store, name: string) =>
  store.cluster().partitions.filter(({ owner, state }) => state === "owned" && owner?.startsWith(`${name}.`)).length;

/** Entities whose events did not come in order, one at a time, each once. */
function outOfOrder(calls: readonly Call[]): readonly string[] {
  const last = new Map<string, Call>();
  return calls.flatMap((call) => {
    const before = last.get(call.entity);
    last.set(call.entity, call);
    const isNext = call.revision === (before?.revision ?? -1) + 1;
    return isNext && (before === undefined || (before.endMs !== null && before.endMs <= call.startMs)) ? [] : [`${call.entity} ${call.revision}`];
  });
}

describe("instances on one log server", { timeout: 90_000 }, () => {
  it("are none where one is alone: it has no stream but those of before, and is a cluster of one", async () => {
    const { url } = await startLogServer();
    const calls: Call[] = [];
    const store = await open(url, "alone", calls, "one");
    await appendTo(store, 3, 1);
    await until("all calls", () => calls.length === 3);
    expect(store.cluster()).toMatchObject({
      ...{ instance: "alone", generation: -1, members: [{ instance: "alone", state: "active" }] },
      partitions: [{ handler: "desk", partition: 0, owner: "alone", epoch: expect.any(Number), state: "owned" }],
    });
    await expect(store.drainInstance("alone")).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    await expect(store.drainInstance("other")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await store.close();
    const log = await openLog(url);
    const streams = new Set<string>();
    for await (const batch of log.readAll()) for (const { stream } of batch) streams.add(stream);
    await log.close();
    const own = ["reprise.handler-desk", "reprise.journal-desk-1-0", "reprise.log"];
    expect([...streams].sort((a, b) => (a < b ? -1 : 1))).toEqual(["default.thing-e0", "default.thing-e1", "default.thing-e2", ...own]);
  });

  it("drain when an operator says so: ready no more, its partitions elsewhere, on record", async () => {
    const { url } = await startLogServer();
    const calls: Call[] = [];
    const one = await open(url, "one", calls);
    await until("all partitions", () => partsOf(one, "one") === 16);
    const two = await open(url, "two", calls);
    await until("two members", () => two.cluster().members.length === 2);
    const { instance } = one.cluster();
    await two.drainInstance(instance, { actor: "anna", reason: "a new build" });
    await until("the other one to have all", () => partsOf(two, "two") === 16);
    expect(one.notReady()).toMatch(/draining/);
    expect(two.notReady()).toBe(null);
    await expect(two.drainInstance("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await appendTo(one, 20, 2);
    await until("all calls", () => calls.length === 40);
    expect(new Set(calls.map((call) => call.instance))).toEqual(new Set(["two"]));
    expect(one.cluster().members).toMatchObject([{ instance, state: "draining" }, { state: "active" }]);
  });

  // The handler waits ten times as long as one that asks an API near by, so that the figure is of the instances and not of the machine.
  it.runIf(size(0, 1) === 1)("get through three times as much when there are four, where the handler waits", { timeout: 300_000 }, async () => {
    const rateOf = async (count: number) => {
      const { url } = await startLogServer();
      const calls: Call[] = [];
      const stores: Store[] = [];
      for (let n = 0; n < count; n++) stores.push(await open(url, `i${n}`, calls));
      await until("a share for each", () => stores.every((store, n) => partsOf(store, `i${n}`) === 16 / count));
      await appendTo(stores[0]!, 256, 5 * count, 200);
      const begunMs = performance.now();
      const before = calls.length;
      const all = 256 * 5 * count;
      await until("nearly all calls", () => calls.length > all * 0.9);
      const rate = ((calls.length - before) / (performance.now() - begunMs)) * 1000;
      for (const store of stores) await store.close();
      return rate;
    };
    const [one, four] = [await rateOf(1), await rateOf(4)];
    console.log(`a handler that waits 200 ms, concurrency 16: ${Math.round(one)} deliveries a second with one instance, ${Math.round(four)} with four`);
    expect(four).toBeGreaterThan(3 * one);
  });

  it.runIf(size(0, 1) === 1)("let a delivery of nearly fifteen minutes be, while others come and go", { timeout: 1_200_000 }, async () => {
    const { url } = await startLogServer();
    const calls: Call[] = [];
    const longMs = 890_000; // a time-out is 900,000 at most
    const one = await open(url, "one", calls);
    await until("all partitions", () => partsOf(one, "one") === 16);
    await one.append([{ id: v7(), type: "thing.happened", entity: { type: "thing", id: "long" }, data: { takesMs: longMs } }]);
    await until("the long call", () => calls.length === 1);
    let [came, sent] = [0, 0];
    while (calls[0]!.endMs === null && !calls[0]!.aborted) {
      const other = await open(url, `other${++came}`, calls);
      await until("a share for each", () => partsOf(other, `other${came}`) >= 7);
      await appendTo(one, 40, 5);
      sent += 200;
      await wait(20_000);
      await other.close();
      await until("all partitions again", () => partsOf(one, "one") === 16 || calls[0]!.endMs !== null);
    }
    await until("all calls", () => calls.length > sent);
    console.log(`a call of ${longMs / 1000} s: ${came} instances came and went meanwhile, ${sent} events were delivered beside it`);
    expect(calls[0]).toMatchObject({ instance: "one", aborted: false });
    expect(calls[0]!.endMs! - calls[0]!.startMs).toBeGreaterThanOrEqual(longMs - 100);
    expect(calls.length).toBe(1 + sent);
    expect(outOfOrder(calls)).toEqual([]);
  });

  it("share the partitions as they come and go; each entity stays in order, each event comes once, and a long call is let be", async () => {
    const { url } = await startLogServer();
    const calls: Call[] = [];
    const one = await open(url, "one", calls);
    await until("all partitions", () => partsOf(one, "one") === 16);
    await one.append([{ id: v7(), type: "thing.happened", entity: { type: "thing", id: "long" }, data: { takesMs: 14_000 } }]);
    await until("the long call", () => calls.length === 1);
    await appendTo(one, 40, 5);

    const two = await open(url, "two", calls);
    const three = await open(url, "three", calls);
    const loading = appendTo(two, 40, 20);
    await until("an even share", () =>
      [one, two, three].every((store) => [5, 6].includes(partsOf(store, ["one", "two", "three"][[one, two, three].indexOf(store)]!))),
    );
    await loading;
    expect([one, two, three].map((store) => store.cluster().generation)).toEqual(Array(3).fill(one.cluster().generation));
    await until("the long call to end", () => calls[0]!.endMs !== null);
    expect(calls[0]).toMatchObject({ instance: "one", aborted: false });

    // In order, it takes others a second or two to go on, on a machine that is not busy with something else. Without an order it would be 15 s.
    const goneMs = performance.now();
    await two.close();
    await until("the others to have all", () => partsOf(one, "one") + partsOf(three, "three") === 16);
    const takenMs = performance.now() - goneMs;
    await appendTo(one, 40, 5);
    await until("all calls", () => calls.length >= 1 + 40 * 30);
    await wait(100);
    console.log(`an instance stopped in order: its partitions are at work elsewhere after ${Math.round(takenMs)} ms`);
    expect(takenMs).toBeLessThan(10_000);
    expect(calls.length).toBe(1 + 40 * 30);
    expect(outOfOrder(calls)).toEqual([]);
    expect(one.cluster().members.map(({ instance, state }) => [instance.split(".")[0], state])).toEqual([
      ["one", "active"],
      ["three", "active"],
    ]);
  });
});
