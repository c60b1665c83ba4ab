/** Failure policies at work, on an injected clock: a payment waits for a person, a budget outlives a restart, a receiver's wait is kept to, an event is skipped. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerDefinition, skip, webhookHandler } from "../../src/delivery/handler.ts";
import type { Store } from "../../src/store/store.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerView, startStore } from "../support/test-store.ts";
import { openWebhookReceiver } from "../support/webhook-receiver.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const thing = { type: "thing.happened", entity: { type: "thing", id: "1" }, data: {} };

const open = async (handler: HandlerDefinition, folder: string, clock: FakeClock): Promise<Store> =>
  startStore(defineConfig({ events: [happened], handlers: [handler] }), folder, { clock });

/** Lets the clock go on in small steps until `condition` holds. */
async function stepping(clock: FakeClock, condition: () => Promise<boolean>): Promise<void> {
  const step = async () => {
    await clock.advance(10);
    return condition();
  };
  await expect.poll(step, { timeout: 25_000, interval: 1 }).toBe(true);
}

describe("a payment that failed", () => {
  it("is never tried again by itself, holds its entity, and goes on when a person has it replayed", async () => {
    const clock = makeFakeClock();
    let calls = 0;
    const charge = () => {
      if (++calls === 1) throw new Error("declined");
    };
    const store = await open(defineHandler({ name: "bank", preset: "payment", on: { "thing.happened": charge } }), temporaryFolder(), clock);
    const [first] = await store.append([thing, thing]);
    const delivery = async () => (await store.views.event("default", first!.id))!.deliveries[0]!;
    await stepping(clock, async () => (await delivery()).status === "escalated");
    await clock.advance(86_400_000);
    expect(await delivery()).toMatchObject({ status: "escalated", attempts: 1, error: { message: "declined" } });
    expect(await store.views.findDeadLetters("default", first!.id)).toMatchObject([{ status: "escalated", cause: "exhausted", waiting: 1 }]);
    expect(calls).toBe(1);
    const replayed = store.replay(first!.id, { reason: "the card is good again" });
    await stepping(clock, async () => (await handlerView(store, "bank")).waiting === 0);
    expect(await replayed).toMatchObject({ status: "replayed" });
    expect(calls).toBe(3);
  });
});

describe("a budget of time", () => {
  it("is kept over a restart", async () => {
    const folder = temporaryFolder();
    const at: number[] = [];
    let clock = makeFakeClock();
    const fails = () => {
      at.push(clock.now());
      throw new Error("down");
    };
    const handler = defineHandler({ name: "bank", retry: { schedule: [60_000], maxAttempts: 9, maxElapsedMs: 150_000 }, on: { "thing.happened": fails } });
    let store = await open(handler, folder, clock);
    const [first] = await store.append([thing]);
    await stepping(clock, async () => at.length === 1);
    await clock.advance(61_000);
    await stepping(clock, async () => at.length === 2);
    await store.close();
    clock = makeFakeClock(clock.now());
    store = await open(handler, folder, clock);
    await clock.advance(61_000);
    const delivery = async () => (await store.views.event("default", first!.id))!.deliveries[0]!;
    await stepping(clock, async () => (await delivery()).status === "dead_lettered");
    expect(await delivery()).toMatchObject({ attempts: 3, error: { message: "down" } });
  });
});

describe("a webhook", () => {
  it("is not called before the 7 s that its 429 asks for", async () => {
    const clock = makeFakeClock(Date.now());
    const receiver = await openWebhookReceiver();
    let busy = true;
    receiver.answer(() => (busy ? { status: 429, headers: { "retry-after": "7" } } : { status: 200 }));
    const handler = webhookHandler({ name: "bank", url: receiver.url, events: ["*"], retry: { maxAttempts: 1 } });
    const store = await open(handler, temporaryFolder(), clock);
    const [first] = await store.append([thing]);
    const delivery = async () => (await store.views.event("default", first!.id))!.deliveries[0]!;
    await stepping(clock, async () => (await delivery()).status === "failed");
    const seen = await delivery();
    const dueMs = Date.parse(seen.nextAttemptAt!) - Date.parse(seen.history[0]!.startedAt);
    expect(dueMs).toBeGreaterThanOrEqual(7000);
    busy = false;
    await clock.advance(Date.parse(seen.nextAttemptAt!) - clock.now() - 1000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(receiver.received).toHaveLength(1);
    await clock.advance(1000);
    await stepping(clock, async () => (await handlerView(store, "bank")).waiting === 0);
    expect(receiver.received.map(({ event }) => event.attempt)).toEqual([1, 1]);
  });
});

describe("a handler that skips", () => {
  it("ends the delivery with its reason and its call on record, and the entity goes on", async () => {
    const clock = makeFakeClock();
    const handled: number[] = [];
    const handle = (event: { readonly revision: number }) => {
      handled.push(event.revision);
      return event.revision === 0 ? skip("known already") : undefined;
    };
    const store = await open(defineHandler({ name: "bank", on: { "thing.happened": handle } }), temporaryFolder(), clock);
    const [first] = await store.append([thing, thing]);
    await stepping(clock, async () => (await handlerView(store, "bank")).waiting === 0);
    const [delivery] = (await store.views.event("default", first!.id))!.deliveries;
    expect(delivery).toMatchObject({ status: "skipped", attempts: 1, error: null, history: [{ attempt: 1, outcome: "completed" }] });
    expect(handled).toEqual([0, 1]);
    expect(await handlerView(store, "bank")).toMatchObject({ wanted: 2, done: 2, byStatus: { skipped: 1, completed: 1 } });
  });
});
