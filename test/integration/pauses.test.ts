import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions, webhookHandler } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { checkHistory, countDeliveries, makeHistory } from "../support/history-checker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeTestBench } from "../support/test-bench.ts";
import { handlerShows, handlerView, logRows, type Place, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ line: z.int() }) });
const order = (id: string, line = 0): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: { line } });
const lines = (id: string, from: number, count: number) => Array.from({ length: count }, (_, index) => order(id, from + index));
const entity = (id: string) => ({ type: "order", id });
const because = { actor: "anna", reason: "look first" };

/** A mailer that keeps a history; `work` may wait or throw. */
function mailer(work: (id: string, line: number) => unknown = () => {}, options: Partial<HandlerOptions> = {}) {
  const history = makeHistory();
  const handler = defineHandler({
    ...{ name: "mailer", retry: { maxAttempts: 2, initialDelayMs: 5, maxDelayMs: 5 }, ...options },
    events: [placed],
    on: {
      "order.placed": async ({ entity: { id }, tenant, revision, data }, { attempt, deliveryId, replay }) => {
        const call = history.begin({ lane: `${tenant}.order-${id}`, revision, attempt, deliveryId, replayId: replay?.id ?? null });
        try {
          await work(id, data.line);
          history.end(call, "completed");
        } catch (error) {
          history.end(call, "failed");
          throw error;
        }
      },
    },
  });
  return { history, handler, config: defineConfig({ events: [placed], handlers: [handler] }), calls: (id: string) => history.calls.filter(({ lane }) => lane === `default.order-${id}`).map(({ revision }) => revision) }; // biome-ignore format: one line
}

const judged = async (history: ReturnType<typeof makeHistory>, place: Place) => checkHistory(history.calls, countDeliveries(await logRows(place), "mailer"));
const laneOf = async (store: Store, id: string) => (await store.views.entity("default", entity(id)))!.handlers[0]!;

const places: readonly (readonly [string, () => Place])[] = [
  ["on the embedded log", temporaryFolder],
  ["in a test store", makeTestBench],
  ["in a test store, in four partitions", () => makeTestBench(4)],
];

describe.each(places)("%s", (_where, makePlace) => {
  describe("a paused entity", () => {
    it("starts nothing and keeps its place, over a restart; others go on; resumed, it goes on in order", async () => {
      const place = makePlace();
      const { history, config, calls } = mailer();
      let store = await startStore(config, place);
      await store.append([...lines("a", 0, 3), ...lines("b", 0, 3)]);
      await handlerShows(store, place, "mailer", { done: 6 });
      const paused = await store.pauseEntity(entity("a"), because);
      expect(paused.handlers).toEqual(["mailer"]);
      await store.append([...lines("a", 3, 2), ...lines("b", 3, 2)]);
      await handlerShows(store, place, "mailer", { wanted: 10, done: 8, waiting: 2, byStatus: { held: 2, pending: 0 }, lanes: { paused: 1, flowing: 1 } });
      expect(await laneOf(store, "a")).toMatchObject({
        laneState: "paused",
        why: "paused by anna: look first",
        nextRevision: 3,
        waiting: 2,
        head: { status: "held" },
      });
      await store.close();
      store = await startStore(config, place);
      await store.append(lines("b", 5, 1));
      await handlerShows(store, place, "mailer", { done: 9, waiting: 2, lanes: { paused: 1 } });
      expect(calls("a")).toEqual([0, 1, 2]);

      const resumed = await store.resumeEntity(entity("a"), { reason: "looked", handler: "mailer" });
      expect(resumed).toMatchObject({ handlers: ["mailer"] });
      expect(BigInt(resumed.position)).toBeGreaterThan(BigInt(paused.position));
      await handlerShows(store, place, "mailer", { waiting: 0, done: 11, lanes: { paused: 0, flowing: 2 } });
      expect(calls("a")).toEqual([0, 1, 2, 3, 4]);
      expect(await judged(history, place)).toEqual([]);
      const acts = (await logRows(place)).filter(({ type }) => type === "lane.paused" || type === "lane.resumed");
      expect(acts.map(({ type, data }) => [type, data.act, data.before])).toEqual([
        ["lane.paused", because, "flowing"],
        ["lane.resumed", { actor: "local", reason: "looked" }, undefined],
      ]);
    });

    it("lets what runs end, and nothing after it", async () => {
      const place = makePlace();
      const gate = Promise.withResolvers<void>();
      const { config, calls } = mailer(() => gate.promise);
      const store = await startStore(config, place);
      await store.append(lines("a", 0, 2));
      await expect.poll(() => calls("a")).toEqual([0]);
      await store.pauseEntity(entity("a"));
      expect(await laneOf(store, "a")).toMatchObject({ waiting: 2, head: { revision: 0, status: "processing" } });
      gate.resolve();
      await handlerShows(store, place, "mailer", { done: 1, waiting: 1, byStatus: { held: 1 } });
      await store.append(lines("b", 0, 1));
      await handlerShows(store, place, "mailer", { done: 2 });
      expect(calls("a")).toEqual([0]);
      await store.resumeEntity(entity("a"));
      await handlerShows(store, place, "mailer", { waiting: 0 });
    });

    it("has its dead letter amended and discarded, but not replayed", async () => {
      const place = makePlace();
      const { config, calls } = mailer((_, line) => (line === 0 ? Promise.reject(new Error("down")) : undefined));
      const store = await startStore(config, place);
      const [first] = await store.append(lines("a", 0, 2));
      await handlerShows(store, place, "mailer", { byStatus: { dead_lettered: 1, held: 1 } });
      await store.pauseEntity(entity("a"));
      const rows = (await logRows(place)).length;
      await expect(store.replay(first!.id)).rejects.toMatchObject({ code: "LANE_PAUSED" });
      expect((await logRows(place)).length).toBe(rows);
      expect(await store.replayBatch({})).toMatchObject({ total: 1, skipped: 1, skips: [{ reason: "its entity is paused", count: 1 }] });
      await store.amend(first!.id, { data: { line: 7 }, reason: "right" });
      await store.discard(first!.id, { reason: "by hand" });
      await handlerShows(store, place, "mailer", { waiting: 1, byStatus: { discarded: 1, held: 1 }, lanes: { paused: 1 } });
      await store.resumeEntity(entity("a"));
      await handlerShows(store, place, "mailer", { waiting: 0 });
      expect(calls("a")).toEqual([0, 0, 1]);
    });

    it("is told apart from one that is unknown, and from one that is not paused", async () => {
      const store = await startStore(mailer().config, makePlace());
      await expect(store.pauseEntity(entity("nobody"))).rejects.toMatchObject({ code: "NOT_FOUND" });
      await store.append(order("a"));
      await expect(store.pauseEntity(entity("a"), { handler: "ledger" })).rejects.toMatchObject({ code: "NOT_FOUND" });
      await expect(store.resumeEntity(entity("a"))).rejects.toMatchObject({ code: "NOT_PAUSED" });
      await expect(store.retryEntity(entity("a"))).rejects.toMatchObject({ code: "NOT_BACKING_OFF" });
      await store.pauseEntity(entity("a"));
      await store.pauseEntity(entity("a"), { reason: "still" });
      expect(await laneOf(store, "a")).toMatchObject({ laneState: "paused" });
      await store.resumeEntity(entity("a"));
    });
  });

  describe("retry now", () => {
    it("ends the wait of a lane in back-off, on record", async () => {
      const place = makePlace();
      let down = true;
      const { config, calls } = mailer(() => (down ? Promise.reject(new Error("down")) : undefined), {
        retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
      });
      const store = await startStore(config, place);
      await store.append(lines("a", 0, 2));
      await handlerShows(store, place, "mailer", { byStatus: { failed: 1 }, lanes: { backing_off: 1 } });
      down = false;
      expect(await store.retryEntity(entity("a"), because)).toMatchObject({ handlers: ["mailer"] });
      await handlerShows(store, place, "mailer", { waiting: 0, done: 2 });
      expect(calls("a")).toEqual([0, 0, 1]);
      expect((await logRows(place)).find(({ type }) => type === "lane.retried")?.data).toMatchObject({ act: because });
    });

    it("ends the wait of a replay between its attempts, but not a pause", async () => {
      const place = makePlace();
      let down = true;
      const { config } = mailer(() => (down ? Promise.reject(new Error("down")) : undefined), {
        retry: { maxAttempts: 2, initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
      });
      const store = await startStore(config, place);
      const [first] = await store.append(lines("a", 0, 1));
      await handlerShows(store, place, "mailer", { lanes: { backing_off: 1 } });
      await store.pauseEntity(entity("a"));
      await expect(store.retryEntity(entity("a"))).rejects.toMatchObject({ code: "LANE_PAUSED" });
      await store.resumeEntity(entity("a"));
      await store.retryEntity(entity("a"));
      await handlerShows(store, place, "mailer", { byStatus: { dead_lettered: 1 } });
      const replaying = store.replay(first!.id, { patienceMs: 20_000 });
      await handlerShows(store, place, "mailer", { byStatus: { failed: 1 } });
      down = false;
      await store.retryEntity(entity("a"));
      expect(await replaying).toMatchObject({ status: "replayed" });
    });
  });

  describe("a paused handler", () => {
    it("starts nothing, over a restart, and goes on where it was", async () => {
      const place = makePlace();
      const { history, config, calls } = mailer();
      let store = await startStore(config, place);
      await store.append(lines("a", 0, 2));
      await handlerShows(store, place, "mailer", { done: 2, state: "running", why: null });
      await store.pauseHandler("mailer", because);
      await store.append(lines("a", 2, 3));
      await handlerShows(store, place, "mailer", { state: "paused", why: "paused by anna: look first", waiting: 3, byStatus: { pending: 3 } });
      await store.close();
      store = await startStore(config, place);
      await handlerShows(store, place, "mailer", { state: "paused", waiting: 3 });
      expect(calls("a")).toEqual([0, 1]);
      await store.resumeHandler("mailer", { reason: "looked" });
      await handlerShows(store, place, "mailer", { state: "running", waiting: 0, done: 5 });
      expect(await judged(history, place)).toEqual([]);
      await expect(store.resumeHandler("mailer")).rejects.toMatchObject({ code: "NOT_PAUSED" });
      await expect(store.pauseHandler("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    it("keeps the last word when pauses and resumes come at once", async () => {
      const place = makePlace();
      const store = await startStore(mailer().config, place);
      await Promise.all([store.pauseHandler("mailer"), store.resumeHandler("mailer"), store.pauseHandler("mailer", because)]);
      await store.append(order("a"));
      await handlerShows(store, place, "mailer", { state: "paused", waiting: 1 });
      const rows = (await logRows(place)).filter(({ type }) => type.startsWith("handler.") && type !== "handler.configured");
      expect(rows.map(({ type }) => type)).toEqual(["handler.paused", "handler.resumed", "handler.paused"]);
    });
  });
});

describe("a handler with an address", () => {
  it("that a 410 paused is resumed by an operator; one that an operator paused is not by another url", async () => {
    const folder = temporaryFolder();
    let status = 410;
    const receiver = await startReceiver(() => status);
    const config = (path: string) =>
      defineConfig({ events: [placed], handlers: [webhookHandler({ name: "mailer", url: `${receiver.url}/${path}`, events: ["*"] })] });
    let store = await startStore(config("one"), folder);
    await store.append(order("a"));
    await handlerShows(store, folder, "mailer", { state: "paused", waiting: 1 });
    status = 204;
    await store.resumeHandler("mailer", { reason: "back" });
    await handlerShows(store, folder, "mailer", { state: "running", waiting: 0 });
    await store.pauseHandler("mailer", because);
    await store.close();
    store = await startStore(config("two"), folder);
    await store.append(order("a"));
    await handlerShows(store, folder, "mailer", { state: "paused", waiting: 1 });
    expect(await handlerView(store, "mailer")).toMatchObject({ why: "paused by anna: look first" });
  });
});
