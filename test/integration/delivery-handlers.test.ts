import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { checkHistory, countDeliveries, type History, makeHistory } from "../support/history-checker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeTestBench } from "../support/test-bench.ts";
import { handlerShows, logRows, type Place, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ line: z.int() }) });
const closed = defineEvent("order.closed", { 1: z.object({}) });
const order = (id: string, line = 0): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: { line } });
const close = (id: string): EventInput => ({ type: "order.closed", entity: { type: "order", id }, data: {} });
const retry = { maxAttempts: 2, initialDelayMs: 5, maxDelayMs: 5 };

type Work = (call: { readonly entity: string; readonly line: number; readonly tenant: string; readonly revision: number }) => unknown;

/** A handler of `order.placed` that keeps a history of its calls. */
function recorded(work: Work, options: Partial<HandlerOptions> = {}) {
  const history: History = makeHistory();
  const handler = defineHandler({
    name: "mailer",
    retry,
    ...options,
    events: [placed],
    on: {
      "order.placed": async ({ entity, tenant, revision, data }, { attempt, deliveryId, replay }) => {
        const call = history.begin({ lane: `${tenant}.order-${entity.id}`, revision, attempt, deliveryId, replayId: replay?.id ?? null });
        try {
          await work({ entity: entity.id, line: data.line, tenant, revision });
          history.end(call, "completed");
        } catch (error) {
          history.end(call, "failed");
          throw error;
        }
      },
    },
  });
  return { history, handler, config: defineConfig({ events: [placed, closed], handlers: [handler] }) };
}

const revisionsOf = ({ calls }: History, lane: string): readonly number[] => calls.filter((call) => call.lane === lane).map(({ revision }) => revision);

/** The handler's history against the log's own rows. */
async function judged(history: History, place: Place, ordering: "strict" | "relaxed" = "strict"): Promise<readonly string[]> {
  return checkHistory(history.calls, { ...countDeliveries(await logRows(place), "mailer", ordering), ordering });
}

const places: readonly (readonly [string, () => Place])[] = [
  ["on the embedded log", temporaryFolder],
  ["in a test store", makeTestBench],
  ["in a test store, in four partitions", () => makeTestBench(4)],
];

describe.each(places)("%s", (where, makePlace) => {
  describe("ordering: relaxed", () => {
    it("goes on past a dead letter, not past a retry, and takes the replayed letter when it comes", async () => {
      const place = makePlace();
      let broken = true;
      const { history, config } = recorded(({ line }) => (broken && line === 1 ? Promise.reject(new Error("down")) : undefined), { ordering: "relaxed" });
      const store = await startStore(config, place);
      await store.append([0, 1, 2, 3].map((line) => order("a", line)));
      await handlerShows(store, place, "mailer", { waiting: 1, byStatus: { dead_lettered: 1, completed: 3 }, lanes: { blocked: 0 } });
      expect(revisionsOf(history, "default.order-a")).toEqual([0, 1, 1, 2, 3]);
      expect(await store.views.deadLetterStats({ tenant: "default" })).toMatchObject({ total: 1, waiting: 0 });
      broken = false;
      await store.append(order("a", 4));
      await store.replayBatch({});
      await handlerShows(store, place, "mailer", { waiting: 0, byStatus: { replayed: 1, completed: 4 } });
      expect(await judged(history, place, "relaxed")).toEqual([]);
      expect(await judged(history, place, "strict")).not.toEqual([]);
    });
  });

  describe('onExhausted: "skip"', () => {
    it("ends the delivery with a record and goes on", async () => {
      const place = makePlace();
      const { history, config } = recorded(({ line }) => (line === 1 ? Promise.reject(new Error("down")) : undefined), {
        retry: { ...retry, onExhausted: "skip" },
      });
      const store = await startStore(config, place);
      const appended = await store.append([0, 1, 2].map((line) => order("a", line)));
      await handlerShows(store, place, "mailer", { waiting: 0, byStatus: { skipped: 1, completed: 2, dead_lettered: 0 } });
      expect(revisionsOf(history, "default.order-a")).toEqual([0, 1, 1, 2]);
      expect(await judged(history, place)).toEqual([]);
      expect((await logRows(place)).find(({ type }) => type === "delivery.settled")?.data).toMatchObject({
        outcome: "skipped",
        cause: "exhausted",
        act: { actor: "policy" },
      });
      expect((await store.views.event("default", appended[1]!.id))!.deliveries).toMatchObject([{ status: "skipped", attempts: 2, error: { message: "down" } }]);
    });
  });

  describe("discarding a dead letter", () => {
    it("lets its followers go, with actor and reason on record", async () => {
      const place = makePlace();
      const { history, config } = recorded(({ line }) => (line === 1 ? Promise.reject(new Error("down")) : undefined));
      const store = await startStore(config, place);
      const appended = await store.append([0, 1, 2].map((line) => order("a", line)));
      await handlerShows(store, place, "mailer", { byStatus: { dead_lettered: 1, held: 1 } });
      await store.discard(appended[1]!.id, { actor: "local", reason: "mailed by hand", resolution: "done_by_hand" });
      await handlerShows(store, place, "mailer", { waiting: 0, byStatus: { discarded: 1, completed: 2 } });
      expect(await judged(history, place)).toEqual([]);
      const act = { actor: "local", reason: "mailed by hand", resolution: "done_by_hand" };
      expect((await logRows(place)).find(({ type }) => type === "delivery.settled")?.data).toMatchObject({ outcome: "discarded", act });
      await expect(store.replay(appended[1]!.id)).rejects.toMatchObject({ code: "NOT_DEAD_LETTERED" });
    });
  });

  describe("replaying many dead letters", () => {
    it("records those of one flush together, which says the same to who reads the log anew", async () => {
      const place = makePlace();
      let broken = true;
      const { history, config } = recorded(() => (broken ? Promise.reject(new Error("down")) : undefined), { retry: { maxAttempts: 1 }, concurrency: 16 });
      const store = await startStore(config, place);
      const names = Array.from({ length: 32 }, (_, index) => `n${index}`);
      const appended = await store.append(names.flatMap((name) => [order(name), order(name, 1)]));
      await handlerShows(store, place, "mailer", { waiting: 64, byStatus: { dead_lettered: 32, held: 32 } });
      broken = false;
      await store.replayBatch({}, { actor: "ann", reason: "mended" });
      await handlerShows(store, place, "mailer", { waiting: 0, byStatus: { replayed: 32, completed: 32 } });
      const lists = (await logRows(place)).filter(({ type }) => type === "letters.replayed").map(({ data }) => (data.letters as readonly unknown[]).length);
      expect(Math.max(...lists)).toBeGreaterThan(1);
      expect(await judged(history, place)).toEqual([]);
      await store.close();
      const again = await startStore(config, place);
      await handlerShows(again, place, "mailer", { waiting: 0, byStatus: { replayed: 32, completed: 32 } });
      await expect(again.replay(appended[0]!.id)).rejects.toMatchObject({ code: "NOT_DEAD_LETTERED" });
      const delivery = (await again.views.event("default", appended[0]!.id))!.deliveries[0]!;
      expect(delivery).toMatchObject({
        status: "replayed",
        attempts: 2,
        acts: [{ actor: "ann", reason: "mended", before: "dead_lettered", after: "replayed" }],
      });
      expect(delivery.history).toHaveLength(2);
    });
  });

  describe("a new handler on a log that holds events", () => {
    async function withEvents(): Promise<Place> {
      const place = makePlace();
      const store = await startStore(defineConfig({ events: [placed, closed] }), place);
      await store.append([order("a", 0), order("a", 1), order("b", 0)]);
      await store.close();
      return place;
    }

    it("must say where it begins", async () => {
      const { config } = recorded(() => {});
      await expect(startStore(config, await withEvents())).rejects.toMatchObject({ code: "START_FROM_REQUIRED" });
    });

    it.each([
      ["beginning", ["a@0", "a@1", "a@2", "b@0"]],
      ["now", ["a@2"]],
    ] as const)("begins at %s, and stays with that", async (startFrom, wanted) => {
      const place = await withEvents();
      const first = recorded(() => {}, { startFrom });
      const store = await startStore(first.config, place);
      await store.append(order("a", 2));
      await handlerShows(store, place, "mailer", { waiting: 0, wanted: wanted.length, done: wanted.length });
      await store.close();
      expect(new Set(first.history.calls.map(({ lane, revision }) => `${lane.split("-")[1]}@${revision}`))).toEqual(new Set(wanted));
      const again = recorded(() => {}, { startFrom: startFrom === "now" ? "beginning" : "now" });
      const reopened = await startStore(again.config, place);
      await handlerShows(reopened, place, "mailer", { waiting: 0, wanted: wanted.length });
      expect(again.history.calls).toEqual([]);
    });

    it("wants a type that is added later from then on", async () => {
      const place = makePlace();
      const seen: string[] = [];
      const note = (word: string) => () => void seen.push(word);
      const configOf = (on: Parameters<typeof defineHandler>[0]["on"]) =>
        defineConfig({ events: [placed, closed], handlers: [defineHandler({ name: "mailer", on })] });
      const store = await startStore(configOf({ "order.placed": note("placed") } as never), place);
      await store.append([order("a"), close("a"), order("b"), close("b")]);
      await handlerShows(store, place, "mailer", { waiting: 0, wanted: 2 });
      await store.close();
      const wider = await startStore(configOf({ "order.placed": note("placed"), "order.closed": note("closed") } as never), place);
      await wider.append([close("a"), order("c"), close("c")]);
      await handlerShows(wider, place, "mailer", { waiting: 0, wanted: 5, done: 5 });
      expect(seen.toSorted((a, b) => a.localeCompare(b))).toEqual(["closed", "closed", "placed", "placed", "placed"]);
    });
  });

  describe("slots", () => {
    /** Calls that wait until the test lets one go, oldest first. */
    function gated() {
      const open: { readonly tenant: string; readonly go: () => void }[] = [];
      const started: string[] = [];
      const work: Work = ({ tenant }) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        open.push({ tenant, go: resolve });
        started.push(tenant);
        return promise;
      };
      return { open, started, work };
    }

    it("are never more than the handler's concurrency, and all are used", async () => {
      const place = makePlace();
      const { open, started, work } = gated();
      const { history, config } = recorded(work, { concurrency: 3 });
      const store = await startStore(config, place);
      await store.append(Array.from({ length: 30 }, (_, index) => order(`${index % 15}`, Math.floor(index / 15))));
      for (let done = 0; done < 30; done++) {
        await expect.poll(() => open.length, { interval: 1, timeout: 25_000 }).toBe(Math.min(3, 30 - done));
        open.shift()!.go();
      }
      await handlerShows(store, place, "mailer", { waiting: 0 });
      expect(started).toHaveLength(30);
      expect(await judged(history, place)).toEqual([]);
    });

    it("go to two tenants in turn, however many events wait for one of them", async () => {
      const place = makePlace();
      const { open, started, work } = gated();
      const { config } = recorded(work, { concurrency: 4 });
      const store = await startStore(config, place);
      await store.append(
        Array.from({ length: 200 }, (_, index) => order(`many-${index}`)),
        { tenant: "large" },
      );
      await expect.poll(() => open.length, { interval: 1 }).toBe(4);
      expect(started).toEqual(["large", "large", "large", "large"]);
      await store.append(
        Array.from({ length: 10 }, (_, index) => order(`few-${index}`)),
        { tenant: "small" },
      );
      const go = async () => {
        await expect.poll(() => open.length, { interval: 1, timeout: 25_000 }).toBe(4);
        open.shift()!.go();
      };
      // The subscription brings the small tenant's soon; from then on every other slot is theirs.
      while (!started.includes("small")) await go();
      const first = started.indexOf("small");
      expect(first).toBeLessThan(100);
      for (let turn = 0; turn < 20; turn++) await go();
      await expect.poll(() => open.length, { interval: 1 }).toBe(4);
      // Within a partition exactly; the partitions have their turns beside each other.
      const off = Math.abs(started.slice(first, first + 20).filter((tenant) => tenant === "small").length - 10);
      expect(off).toBeLessThanOrEqual(where.includes("partitions") ? 2 : 0);
      const release = () => {
        for (const { go } of open.splice(0)) go();
        if (started.length < 210) setImmediate(release);
      };
      release();
      await handlerShows(store, place, "mailer", { waiting: 0, done: 210 });
    });
  });

  describe('record: "each"', () => {
    it("stores the start of a call before it, and its end before the entity's next one", async () => {
      const place = makePlace();
      const lane = "default.order-a";
      const missing: string[] = [];
      const look: Work = async ({ entity, revision, line }) => {
        const rows = (await logRows(place)).filter(({ stream }) => stream.startsWith("reprise.journal-mailer-"));
        const begun = rows.some(({ type, data }) => type === "delivery.started" && data.lane === `default.order-${entity}` && data.revision === revision);
        if (!begun) missing.push(`start of ${entity}@${revision}`);
        const counted = countDeliveries(await logRows(place), "mailer");
        const before = counted.statuses.get(`default.order-${entity}@${revision - 1}`);
        if (revision > 0 && before !== "completed") missing.push(`end of ${entity}@${revision - 1}`);
        if (line === 3 && attempts++ === 0) throw new Error("once");
      };
      let attempts = 0;
      const { history, config } = recorded(look, { record: "each" });
      const store: Store = await startStore(config, place);
      await store.append(Array.from({ length: 24 }, (_, index) => order(index % 2 === 0 ? "a" : "b", Math.floor(index / 2))));
      await handlerShows(store, place, "mailer", { waiting: 0, done: 24 });
      expect(missing).toEqual([]);
      expect(await judged(history, place)).toEqual([]);
      expect(revisionsOf(history, lane).length + revisionsOf(history, "default.order-b").length).toBe(25);
    });
  });
});
