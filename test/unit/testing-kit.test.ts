/** `reprise/testing` as its users see it. That it delivers as a real store does is shown by the suites that run over both (test/support/test-bench.ts). */
import { setTimeout as elapse } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters, drop, part, split } from "../../src/catalog/define.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions, NotReady, Terminal, webhookHandler } from "../../src/delivery/handler.ts";
import type { HandlerContext } from "../../src/delivery/handler-context.ts";
import type { CurrentEvent, Json } from "../../src/event/event.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import { makeTestStore } from "../../src/testing/make-test-store.ts";
import type { TestStoreOptions } from "../../src/testing/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ total: z.number() }), 2: z.object({ totalCents: z.int() }) });
const placedUpcasters = defineUpcasters(placed, { 1: ({ total }) => ({ totalCents: Math.round(total * 100) }) });
const secret = `whsec_${Buffer.from("a secret of thirty-two bytes, ok").toString("base64")}`;
const order = (id: string, totalCents = 100): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: { totalCents } });
const entity = (id: string) => ({ type: "order", id });

type Work = (event: CurrentEvent<"order.placed", { readonly totalCents: number }>, context: HandlerContext) => unknown;

function ledger(work: Work = () => {}, options: Partial<HandlerOptions> = {}): Config {
  const handler = defineHandler({ name: "ledger", ...options, events: [placed], on: { "order.placed": work as never } });
  return defineConfig({ events: [placed], upcasters: [placedUpcasters], handlers: [handler] });
}

async function open(config: Config, options: TestStoreOptions = {}) {
  const kit = await makeTestStore(config, options);
  onTestFinished(() => kit.close());
  return kit;
}

describe("a delivery", () => {
  it("is made, and tells what became of it", async () => {
    const seen: unknown[] = [];
    const kit = await open(ledger(({ data, schemaVersion }, { attempt }) => seen.push([data, schemaVersion, attempt])));
    const delivery = await kit.deliver("ledger", { ...order("1"), schemaVersion: 1, data: { total: 12.5 } });
    expect(delivery).toMatchObject({ handler: "ledger", status: "completed", attempts: 1, error: null, processedAt: "2026-01-01T00:00:00.000Z" });
    expect(seen).toEqual([[{ totalCents: 1250 }, 2, 1]]);
    await kit.assertDone();
  });

  it("is retried when the policy's time has passed on the test's clock, without waiting for it", async () => {
    const times: number[] = [];
    const kit = await open(
      ledger(() => {
        times.push(kit.clock.now());
        throw new Error("down");
      }),
      { now: "2027-03-01T12:00:00Z" },
    );
    const began = Date.parse("2027-03-01T12:00:00Z");
    const delivery = await kit.deliver("ledger", order("1"));
    expect(delivery).toMatchObject({ status: "failed", attempts: 1, error: { type: "Error", message: "down" }, nextAttemptAt: "2027-03-01T12:00:02.000Z" });
    await kit.clock.advance(1999);
    expect(times).toHaveLength(1);
    await kit.assertLane("ledger", entity("1"), "backing_off");
    await kit.clock.advance(1);
    expect(times).toHaveLength(2);
    await kit.clock.advance(86_400_000);
    expect(times).toEqual([began, began + 2000, began + 6000]);
    expect(await kit.letters()).toMatchObject([{ handler: "ledger", cause: "exhausted", attempts: 3, deadLetteredAt: "2027-03-01T12:00:06.000Z" }]);
  });

  it("is waited for while its handler waits for the world", async () => {
    const kit = await open(ledger(() => elapse(15)));
    expect(await kit.deliver("ledger", order("1"))).toMatchObject({ status: "completed" });
  });

  it("that never ends is timed out by the clock of the test", async () => {
    const kit = await open(
      ledger((_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)))),
      { patienceMs: 5 },
    );
    expect(await kit.deliver("ledger", order("1"))).toMatchObject({ status: "processing" });
    await kit.clock.advance(15_000);
    expect(await kit.lanes()).toMatchObject([{ laneState: "backing_off", head: { error: { type: "TimeoutError" } } }]);
  });

  it("goes to a handler that wants it, or the test is told", async () => {
    const kit = await open(ledger());
    await expect(kit.deliver("mailer", order("1"))).rejects.toThrow("The config has no handler mailer. It has ledger.");
    const closed = defineEvent("order.closed", { 1: z.object({}) });
    const both = await open({ ...ledger(), events: [placed, closed] });
    const event: EventInput = { type: "order.closed", entity: entity("1"), data: {} };
    await expect(both.deliver("ledger", event)).rejects.toThrow("ledger does not want order.closed");
  });
});

describe("failNext", () => {
  it.each<[string, unknown, object]>([
    ["an error", new Error("down"), { status: "failed", error: { type: "Error", message: "down" } }],
    ["Terminal", new Terminal("never"), { status: "dead_lettered", error: { type: "Terminal", message: "never" } }],
    ["NotReady", new NotReady("warming up", { retryAfterMs: 5000 }), { status: "failed", attempts: 0, nextAttemptAt: "2026-01-01T00:00:05.000Z" }],
  ])("fails with %s, as if the handler had thrown it, once", async (_what, error, became) => {
    const calls: number[] = [];
    const kit = await open(ledger(({ revision }) => void calls.push(revision)));
    kit.failNext("ledger", error);
    expect(await kit.deliver("ledger", order("1"))).toMatchObject(became);
    expect(calls).toEqual([]);
    expect(await kit.deliver("ledger", order("2"))).toMatchObject({ status: "completed" });
  });

  it("fails as often as it is told, one plan after another", async () => {
    const kit = await open(ledger());
    kit.failNext("ledger", new Error("first"), 2);
    kit.failNext("ledger", new RangeError("then"));
    await kit.deliver("ledger", order("1"));
    await kit.clock.advance(60_000);
    const letter = await kit.assertLetter({ handler: "ledger", entity: entity("1"), cause: "exhausted", message: "then", errorType: "RangeError" });
    expect(letter.attempts).toBe(3);
    expect(await kit.store.replay(letter.id)).toMatchObject({ status: "replayed" });
    await kit.assertDone();
    expect(() => kit.failNext("ledger", new Error("x"), 0)).toThrow("a whole number from 1");
    expect(() => kit.failNext("nobody")).toThrow("no handler nobody");
  });
});

describe("webhooks", () => {
  const shipping = (options: Partial<HandlerOptions> = {}) =>
    defineConfig({ events: [placed], upcasters: [placedUpcasters], handlers: [webhookHandler({ name: "shipping", url: "https://ship.example/hook?a=1", events: ["*"], secret, ...options })] }); // biome-ignore format: one line

  it("are kept, signed, and sent nowhere", async () => {
    const kit = await open(shipping());
    expect(await kit.deliver("shipping", order("1"))).toMatchObject({ status: "completed" });
    const [post, ...more] = kit.posts("shipping");
    expect(more).toEqual([]);
    expect(post).toMatchObject({
      handler: "shipping",
      url: "https://ship.example/hook?a=1",
      headers: { "content-type": "application/cloudevents+json" },
      event: { type: "order.placed", subject: "order/1", schemaversion: 2, data: { totalCents: 100 }, attempt: 1 },
    });
    expect(post!.headers["webhook-timestamp"]).toBe(String(kit.clock.now() / 1000));
    expect(new Webhook(secret).sign(post!.headers["webhook-id"]!, new Date(kit.clock.now()), post!.body)).toBe(post!.headers["webhook-signature"]);
  });

  it("are answered by the test: statuses, waits asked for, broken connections", async () => {
    const answers: (() => { status: number; headers?: Record<string, string>; body?: string })[] = [
      () => ({ status: 503, headers: { "Retry-After": "7" } }),
      () => ({ status: 500, body: "no stock" }),
      () => {
        throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
      },
      () => ({ status: 200, body: "x".repeat(100_000) }),
    ];
    const kit = await open(shipping(), { webhooks: { shipping: () => answers.shift()!() } });
    expect(await kit.deliver("shipping", order("1"))).toMatchObject({ status: "failed", attempts: 0, nextAttemptAt: "2026-01-01T00:00:07.000Z" });
    await kit.clock.advance(7000);
    expect(await kit.lanes()).toMatchObject([{ head: { error: { type: "HttpError", message: "HTTP 500" } } }]);
    await kit.clock.advance(2000);
    expect(await kit.lanes()).toMatchObject([{ head: { error: { type: "ECONNREFUSED" } } }]);
    await kit.clock.advance(4000);
    await kit.assertDone();
    kit.failNext("shipping", { status: 422 });
    await kit.deliver("shipping", order("2"));
    await kit.assertLetter({ cause: "terminal" });
  });

  it("that do not answer are timed out", async () => {
    const kit = await open(shipping({ timeoutMs: 60_000 }), { webhooks: { shipping: () => new Promise(() => {}) }, patienceMs: 5 });
    expect(await kit.deliver("shipping", order("1"))).toMatchObject({ status: "processing" });
    await kit.clock.advance(60_000);
    expect(await kit.lanes()).toMatchObject([{ laneState: "backing_off", head: { error: { type: "TimeoutError" } } }]);
  });
});

describe("lift", () => {
  it("gives old data as handlers get it, and a failing step in its own words", async () => {
    const kit = await open(ledger());
    const typed: { totalCents: number } = kit.lift(placed, 1, { total: 12.5 });
    expect(typed).toEqual({ totalCents: 1250 });
    expect(kit.lift("order.placed", 2, { totalCents: 7 })).toEqual({ totalCents: 7 });
    expect(() => kit.lift("order.placed", 1, { total: "12" })).toThrow(/order.placed version 1 cannot be lifted: .*total/);
    expect(() => kit.lift("order.placed", 3, {})).toThrow("order.placed has versions 1, 2, and no 3.");
    expect(() => kit.lift("order.plaved", 1, {})).toThrow("The config has no event type order.plaved. It has order.placed.");
    expect(() => kit.lift("order.placed", 1, undefined)).toThrow("data that JSON can hold");
  });

  it("shows what is split or dropped", async () => {
    const line = defineEvent("line.added", { 1: z.object({ sku: z.string() }) });
    const cart = defineEvent("cart.saved", { 1: z.object({ skus: z.array(z.string()) }), 2: z.object({ skus: z.array(z.string()) }) });
    const step = ({ skus }: { readonly skus: readonly string[] }) =>
      skus.length === 0 ? drop("an empty cart says nothing") : split(...skus.map((sku) => part(line, { sku })));
    const cartUpcasters = defineUpcasters(cart, { 1: step }, { into: [line] });
    const kit = await open(defineConfig({ events: [line, cart], upcasters: [cartUpcasters] }));
    expect(kit.liftEvent(cart, 1, { skus: ["a", "b"] })).toEqual({
      parts: [
        { type: "line.added", schemaVersion: 1, data: { sku: "a" } },
        { type: "line.added", schemaVersion: 1, data: { sku: "b" } },
      ],
      dropped: null,
    });
    expect(kit.liftEvent("cart.saved", 1, { skus: [] })).toEqual({ parts: [], dropped: "an empty cart says nothing" });
    expect(() => kit.lift("cart.saved", 1, { skus: ["a", "b"] as Json })).toThrow("is 2 events today. liftEvent shows all of it.");
    expect(() => kit.lift("cart.saved", 1, { skus: [] })).toThrow("is dropped today: an empty cart says nothing");
  });
});

describe("assertions", () => {
  it("say what there is in place of what was expected", async () => {
    const kit = await open(ledger());
    kit.failNext("ledger", new Terminal("no such account"));
    await kit.append([order("1"), order("1"), order("2")]);
    await expect(kit.assertLetter({ handler: "ledger", message: /timeout/ })).rejects.toThrow(
      'No dead letter is of handler "ledger", message /timeout/. There are:\n  ledger order/1 order.placed (terminal) Terminal: no such account',
    );
    await expect(kit.assertLane("ledger", entity("1"), "flowing")).rejects.toThrow("The lane of ledger for order/1 is blocked, not flowing");
    await expect(kit.assertLane("ledger", entity("9"), "flowing")).rejects.toThrow("is not there");
    await expect(kit.assertDone()).rejects.toThrow("ledger order/1 blocked, 2 waiting, revision 0 is dead-lettered: Terminal: no such account");
    await kit.assertDone({ entityType: "invoice" });
    const letter = await kit.assertLetter();
    await kit.store.discard(letter.id, { reason: "by hand" });
    await kit.assertDone();
    await expect(kit.assertLetter()).rejects.toThrow("There is no dead letter.");
  });
});

describe("a restart", () => {
  it("goes on with the same log and another config, as a deployment does", async () => {
    const broken = defineUpcasters(placed, {
      1: () => {
        throw new RangeError("not thought of");
      },
    });
    const kit = await open({ ...ledger(), upcasters: [broken] });
    await kit.append({ ...order("1"), schemaVersion: 1, data: { total: 1 } });
    const letter = await kit.assertLetter({ cause: "schema", message: "not thought of" });
    await kit.restart(ledger());
    expect(await kit.store.replay(letter.id)).toMatchObject({ status: "replayed" });
    await kit.assertDone();
    await kit.restart();
    expect(await kit.lanes()).toMatchObject([{ handler: "ledger", laneState: "flowing", waiting: 0, nextRevision: 1 }]);
  });

  it("keeps what waits for its time", async () => {
    const kit = await open(ledger());
    kit.failNext("ledger", new Error("down"));
    await kit.deliver("ledger", order("1"));
    await kit.restart();
    await kit.assertLane("ledger", entity("1"), "backing_off");
    await kit.clock.advance(2000);
    await kit.assertDone();
  });
});

describe("the clock", () => {
  it("takes times that it can have, and does not go back", async () => {
    await expect(makeTestStore(ledger(), { now: "yesterday" })).rejects.toThrow("now is yesterday: it must be a Date");
    const kit = await open(ledger(), { now: new Date("2030-01-01T00:00:00Z") });
    expect(() => kit.clock.advance(-1)).toThrow("the clock does not go back");
    expect(() => kit.clock.advance(Number.NaN)).toThrow("milliseconds");
    await Promise.all([kit.clock.advance(10), kit.clock.advance(20)]);
    expect(kit.clock.now()).toBe(Date.UTC(2030, 0, 1) + 30);
  });

  it("passes for a replay at a rate, too", async () => {
    const kit = await open(ledger(undefined, { retry: { maxAttempts: 1 } }));
    kit.failNext("ledger", new Error("down"), 5);
    await kit.append([1, 2, 3, 4, 5].map((id) => order(String(id))));
    expect(await kit.letters()).toHaveLength(5);
    const replaying = kit.store.replayBatch({}, { ratePerSecond: 1 });
    await kit.clock.advance(1500);
    expect((await kit.letters()).length).toBeGreaterThan(2);
    await kit.clock.advance(10_000);
    expect(await replaying).toMatchObject({ succeeded: 5 });
    await kit.assertDone();
  });
});

it("a store takes milliseconds of the processor, its opening and closing included", async () => {
  await open(ledger()); // compiles
  const tookMs: number[] = [];
  for (let round = 0; round < 7; round++) {
    const before = process.cpuUsage();
    const kit = await makeTestStore(ledger());
    kit.failNext("ledger", new Terminal("no"));
    await kit.deliver("ledger", order("1"));
    await kit.assertLetter();
    await kit.close();
    const { user, system } = process.cpuUsage(before);
    tookMs.push((user + system) / 1000);
  }
  expect(Math.min(...tookMs)).toBeLessThan(50);
});

it("its views can be computed anew", async () => {
  const kit = await open(ledger());
  kit.failNext("ledger", new Terminal("no"));
  await kit.append([order("1"), order("1"), order("2")]);
  const before = [await kit.lanes(), await kit.letters()];
  await kit.store.rebuildViews();
  expect([await kit.lanes(), await kit.letters()]).toEqual(before);
  expect(before[0]).toMatchObject([{ laneState: "blocked" }, { laneState: "flowing" }]);
});
