import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { type WebhookHandler, webhookHandler } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { checkHistory, countDeliveries, readLogRows } from "../support/history-checker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, handlerView, startStore } from "../support/test-store.ts";
import { openWebhookReceiver } from "../support/webhook-receiver.ts";

const placed = defineEvent("order.placed", { 1: z.object({ line: z.int() }) });
const order = (id: string, line: number): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: { line } });
const configOf = (url: string, options: Partial<WebhookHandler> = {}) =>
  defineConfig({
    events: [placed],
    handlers: [webhookHandler({ name: "shipping", url, events: ["*"], retry: { maxAttempts: 2, initialDelayMs: 5, maxDelayMs: 5 }, ...options })],
  });

/** Lets real I/O happen while the store's time goes in small steps, until the condition holds. */
async function stepping(clock: FakeClock, condition: () => boolean | Promise<boolean>): Promise<void> {
  const step = async () => {
    await clock.advance(10);
    return condition();
  };
  await expect.poll(step, { timeout: 25_000, interval: 1 }).toBe(true);
}

async function letterOf(store: Store, id: string) {
  const [letter] = await store.views.findDeadLetters("default", id);
  return letter;
}

describe("a webhook that asks to wait", () => {
  it.each([
    [429, "3600"],
    [503, "3600"],
  ])("with %i and Retry-After is called again then, and the wait uses no attempt", async (status, retryAfter) => {
    const clock = makeFakeClock(Date.now());
    const folder = temporaryFolder();
    const receiver = await openWebhookReceiver();
    let busy = true;
    receiver.answer(() => (busy ? { status, headers: { "retry-after": retryAfter } } : { status: 200 }));
    const store = await startStore(configOf(receiver.url), folder, { clock });
    const [first] = await store.append([order("a", 0), order("a", 1)]);
    const delivery = async () => (await store.views.event("default", first!.id))!.deliveries[0]!;
    await stepping(clock, async () => (await delivery()).status === "failed");
    const shown = await delivery();
    expect(shown).toMatchObject({ attempts: 0, retryCount: 0, error: { type: "HttpError", message: `HTTP ${status}` } });
    expect(shown.history).toMatchObject([{ attempt: 1, class: "not_ready", httpStatus: status }]);
    const waitMs = Date.parse(shown.nextAttemptAt!) - clock.now();
    expect(waitMs).toBeGreaterThan(3_590_000);
    expect(waitMs).toBeLessThanOrEqual(3_960_000);
    expect(await store.views.entity("default", { type: "order", id: "a" })).toMatchObject({
      handlers: [{ laneState: "backing_off", waiting: 2, head: { revision: 0, status: "failed", nextAttemptAt: shown.nextAttemptAt } }],
    });

    busy = false;
    await clock.advance(waitMs - 5000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(receiver.received).toHaveLength(1);
    await clock.advance(5000);
    await stepping(clock, async () => (await handlerView(store, "shipping")).waiting === 0);
    expect(receiver.received.map(({ event }) => [event.revision, event.attempt])).toEqual([
      [0, 1],
      [0, 1],
      [1, 1],
    ]);
    expect(checkHistory(receiver.history.calls, countDeliveries(readLogRows(folder), "shipping"))).toEqual([]);
  });
});

it("a webhook that is gone (410) pauses the handler with a record; with another url nothing is lost", async () => {
  const folder = temporaryFolder();
  const old = await openWebhookReceiver();
  old.answer(({ revision }) => ({ status: revision === 1 ? 410 : 200 }));
  const store = await startStore(configOf(old.url, { concurrency: 1 }), folder);
  const appended = await store.append([order("a", 0), order("a", 1), order("a", 2), order("b", 0), order("b", 1)]);
  await handlerShows(store, folder, "shipping", { state: "paused" });
  const seen = old.received.length;
  await store.append(order("c", 0));
  const gone = (await store.views.event("default", appended.find(({ entity, revision }) => entity.id === "a" && revision === 1)!.id))!;
  expect(gone.deliveries).toMatchObject([{ status: "pending", attempts: 0 }]);
  expect(await store.views.deadLetterStats({ tenant: "default" })).toMatchObject({ total: 0 });
  const acts = () => readLogRows(folder).filter(({ stream }) => stream === "reprise.handler-shipping");
  expect(acts().map(({ type }) => type)).toEqual(["handler.configured", "handler.paused"]);
  expect(acts().at(-1)!.data).toMatchObject({ why: expect.stringContaining("410"), act: { actor: "policy" } });
  await store.close();
  expect(old.received).toHaveLength(seen);

  const same = await startStore(configOf(old.url), folder);
  await handlerShows(same, folder, "shipping", { state: "paused" });
  await same.close();
  expect(old.received).toHaveLength(seen);

  const now = await openWebhookReceiver();
  const moved = await startStore(configOf(now.url), folder);
  await handlerShows(moved, folder, "shipping", { state: "running", waiting: 0, wanted: 6 });
  expect(acts().map(({ type }) => type)).toEqual(["handler.configured", "handler.paused", "handler.configured", "handler.resumed"]);
  const done = [old, now].flatMap(({ received }) =>
    received.filter(({ call }) => call.outcome === "completed").map(({ call }) => `${call.lane}@${call.revision}`),
  );
  expect(done.sort((a, b) => (a < b ? -1 : 1))).toEqual(["a@0", "a@1", "a@2", "b@0", "b@1", "c@0"].map((name) => `default.order-${name}`));
});

it("the epoch is the same as long as one process owns the partition, and rises with the next one's claim", async () => {
  const folder = temporaryFolder();
  const receiver = await openWebhookReceiver();
  const config = configOf(receiver.url, { partitions: 4 });
  for (const line of [0, 2]) {
    const store = await startStore(config, folder);
    await store.append([order("a", line), order("a", line + 1)]);
    await handlerShows(store, folder, "shipping", { waiting: 0, wanted: line + 2 });
    await store.close();
  }
  const epochs = receiver.received.map(({ event }) => (event as unknown as { readonly epoch: number }).epoch);
  expect(epochs).toEqual([epochs[0], epochs[0], epochs[2], epochs[2]]);
  expect(epochs[0]).toBe(0);
  expect(epochs[2]).toBeGreaterThan(epochs[0]!);
});

it("an answer of 422 is a dead letter after one call", async () => {
  const folder = temporaryFolder();
  const receiver = await openWebhookReceiver();
  receiver.answer(({ revision }) => ({ status: revision === 0 ? 422 : 200 }));
  const store = await startStore(configOf(receiver.url, { retry: { maxAttempts: 5 } }), folder);
  const [first] = await store.append([order("a", 0), order("a", 1)]);
  await handlerShows(store, folder, "shipping", { byStatus: { dead_lettered: 1, held: 1 } });
  expect(await letterOf(store, first!.id)).toMatchObject({ cause: "terminal", attempts: 1, retryCount: 1, error: { type: "HttpError", message: "HTTP 422" } });
  expect(receiver.received).toHaveLength(1);
});

it("the delivery id is the same over retries and replays; the replay id is on replays only; attempts count on", async () => {
  const folder = temporaryFolder();
  const receiver = await openWebhookReceiver();
  let broken = true;
  receiver.answer(() => ({ status: broken ? 500 : 200 }));
  const store = await startStore(configOf(receiver.url), folder);
  const [first, second] = await store.append([order("a", 0), order("a", 1)]);
  await handlerShows(store, folder, "shipping", { byStatus: { dead_lettered: 1 } });
  const failed = await store.replay(first!.id, { reason: "perhaps it works again" });
  expect(failed).toMatchObject({ status: "dead_lettered", error: { type: "HttpError", message: "HTTP 500" } });
  await handlerShows(store, folder, "shipping", { byStatus: { dead_lettered: 1 } });
  const letter = (await letterOf(store, first!.id))!;
  expect(letter).toMatchObject({ attempts: 4, retryCount: 2, replayId: failed.replayId, waiting: 1 });
  expect(letter.history.map(({ attempt, replayId }) => [attempt, replayId])).toEqual([
    [4, failed.replayId],
    [3, failed.replayId],
    [2, undefined],
    [1, undefined],
  ]);
  broken = false;
  const mended = await store.replay(letter.deliveryId, { actor: "local", reason: "mended" });
  expect(mended).toMatchObject({ status: "replayed", deliveryId: letter.deliveryId, originalEventId: first!.id });
  await handlerShows(store, folder, "shipping", { waiting: 0 });

  expect(receiver.received.map(({ event, headers }) => [event.id, event.attempt, event.replayid, event.deliveryid === headers["webhook-id"]])).toEqual([
    [first!.id, 1, undefined, true],
    [first!.id, 2, undefined, true],
    [first!.id, 3, failed.replayId, true],
    [first!.id, 4, failed.replayId, true],
    [first!.id, 5, mended.replayId, true],
    [second!.id, 1, undefined, true],
  ]);
  expect(new Set(receiver.received.slice(0, 5).map(({ event }) => event.deliveryid))).toEqual(new Set([letter.deliveryId]));
  const { deliveries } = (await store.views.event("default", first!.id))!;
  expect(deliveries).toMatchObject([{ status: "replayed", attempts: 5, replayId: mended.replayId, deliveryId: letter.deliveryId }]);
  expect(checkHistory(receiver.history.calls, countDeliveries(readLogRows(folder), "shipping"))).toEqual([]);
});
