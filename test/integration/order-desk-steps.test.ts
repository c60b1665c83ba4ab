/** The six steps of the order desk, as shipped, on a clock that the test moves: what becomes of an event when a step cannot be done, and who has to look at it. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeOrder } from "../../examples/order-desk/orders.ts";
import config from "../../reprise.config.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import { makeTestStore } from "../../src/testing/make-test-store.ts";
import type { TestStore } from "../../src/testing/test-store.ts";

interface Answer {
  readonly status: number;
  readonly body: object;
}
/** What a path answers when it goes wrong. Null: never anything; undefined: all is well. */
type Wrong = (body: { readonly to?: string; readonly upToCents?: number }) => Answer | null | undefined;
const reply: Readonly<Record<string, object>> = {
  "/screenings": { screeningId: "s-1" },
  "/reservations": { warehouse: "HAM", bin: 1, reservedAt: "2026-01-02T03:04:05.678Z" },
  "/charges": { chargeId: "c-1" },
};
const minutes = 60_000;

/** Calls by path. */
let calls: Map<string, number>;
/** By path. */
let wrong: Map<string, Wrong>;
let store: TestStore;

beforeEach(async () => {
  calls = new Map();
  wrong = new Map();
  vi.stubGlobal("fetch", async (url: URL, { body, signal }: { body: string; signal: AbortSignal }): Promise<Response> => {
    const path = url.pathname;
    calls.set(path, (calls.get(path) ?? 0) + 1);
    const answer = wrong.get(path)?.(JSON.parse(body));
    if (answer === null) return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return Response.json(answer?.body ?? reply[path] ?? {}, { status: answer?.status ?? 200 });
  });
  store = await makeTestStore(config);
});
afterEach(async () => {
  await store.close();
  vi.unstubAllGlobals();
});

const placed = (number: number, more: Parameters<typeof makeOrder>[2] = {}): EventInput => {
  const { orderId, schemaVersion, sent } = makeOrder(number, { mug: 2 }, more);
  return { type: "order.placed", schemaVersion, entity: { type: "order", id: orderId }, data: sent as EventInput["data"] };
};
const refuses =
  (error: string): Wrong =>
  () => ({ status: 409, body: { error } });

describe("the order desk", () => {
  it("hands an invalid order to a person, and asks nobody again", async () => {
    await store.append([placed(2, { free: true })]);
    await store.clock.advance(60 * minutes);
    expect(await store.letters()).toMatchObject([{ handler: "intake", status: "escalated", cause: "terminal", attempts: 1 }]);
    expect(calls).toEqual(new Map([["/facts", 1]]));
  });

  it("asks an inventory that does not answer five times, and then it is support's", async () => {
    wrong.set("/reservations", () => null);
    await store.append([placed(2)]);
    await store.clock.advance(10 * minutes);
    expect(await store.letters()).toMatchObject([{ handler: "inventory", status: "dead_lettered", cause: "exhausted", attempts: 5 }]);
    expect(calls.get("/reservations")).toBe(5);
  });

  it("does not ask again for what is not in stock: a person has to look", async () => {
    wrong.set("/reservations", refuses("out_of_stock"));
    await store.append([placed(2)]);
    await store.clock.advance(60 * minutes);
    expect(await store.letters()).toMatchObject([{ handler: "inventory", status: "dead_lettered", cause: "terminal", attempts: 1 }]);
    expect(calls.get("/reservations")).toBe(1);
  });

  it.each<readonly [string, Wrong, string]>([
    ["is declined", refuses("card_declined"), "terminal"],
    ["fails", () => ({ status: 500, body: {} }), "exhausted"],
    ["gets no answer", () => null, "exhausted"],
  ])("never repeats a payment that %s by itself: a person decides, over a restart", async (_, answer, cause) => {
    wrong.set("/charges", answer);
    await store.append([placed(2)]);
    await store.clock.advance(5 * minutes);
    await store.restart();
    await store.clock.advance(24 * 60 * minutes);
    const [letter, ...others] = await store.letters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ handler: "payment", status: "escalated", cause, attempts: 1 });
    expect(calls.get("/charges")).toBe(1);

    wrong.clear();
    await store.store.replay(letter!.deliveryId, { reason: "the customer has another card" });
    await store.settled();
    expect(calls.get("/charges")).toBe(2);
    await store.assertDone();
  });

  it("has a refund over 100 wait for a person, over a restart, and pays it once it is approved, and no other", async () => {
    let limits: unknown[] = [];
    wrong.set("/refunds", (body) => {
      limits = [...limits, body.upToCents];
      return body.upToCents === undefined ? { status: 200, body: { amountCents: 38_900, currency: "EUR" } } : { status: 409, body: { error: "over_limit" } };
    });
    const orders = [2, 3].map((number) => placed(number));
    await store.append(orders);
    await store.append(
      orders.map(({ entity, data }) => ({
        type: "order.cancelled",
        entity,
        data: { orderId: entity.id, email: (data as { email: string }).email, by: "customer" },
      })),
    );
    await store.restart();
    await store.clock.advance(60 * minutes);
    const { escalations } = await store.store.views.escalations({ tenant: "default", status: "open" }, { limit: 10 });
    expect(escalations).toMatchObject([
      { handler: "payment", why: "a refund over 100", when: "after" },
      { handler: "payment", why: "a refund over 100", when: "after" },
    ]);
    expect(limits).toEqual([10_000, 10_000]);
    await store.store.approveEscalation(escalations[0]!.deliveryId, { reason: "the customer called" });
    await store.store.rejectEscalation(escalations[1]!.deliveryId, { reason: "the customer keeps it" });
    await store.clock.advance(60 * minutes);
    expect(limits).toEqual([10_000, 10_000, undefined]);
    await store.assertDone();
  });

  it("tries a letter that mail does not take ten times while the others go out, and then it is a dead letter", async () => {
    const { email } = makeOrder(2, { mug: 2 }).expected;
    wrong.set("/mails", ({ to }) => (to === email ? { status: 500, body: {} } : undefined));
    await store.append([2, 3, 4].map((number) => placed(number)));
    await store.clock.advance(10 * minutes);
    expect(await store.letters()).toMatchObject([{ handler: "confirmation", status: "dead_lettered", cause: "exhausted", attempts: 10 }]);
    expect(calls.get("/mails")).toBe(12);
  });

  it("uses up no letter's attempts while mail is down, and sends all of them once it is back", async () => {
    wrong.set("/mails", () => ({ status: 503, body: {} }));
    await store.append(Array.from({ length: 20 }, (_, number) => placed(number + 1)));
    await store.clock.advance(60 * minutes);
    expect(await store.letters()).toEqual([]);
    expect(await store.store.integrations()).toContainEqual(expect.objectContaining({ name: "mail", waiting: 20 }));
    expect(calls.get("/mails")).toBeLessThan(40);
    wrong.clear();
    await store.clock.advance(6 * minutes);
    await store.assertDone();
  });

  it("counts a fact once, or does without it", async () => {
    wrong.set("/facts", () => ({ status: 500, body: {} }));
    await store.append([placed(2)]);
    await store.clock.advance(60 * minutes);
    expect(await store.letters()).toEqual([]);
    expect(calls.get("/facts")).toBe(4); // one for each of the order's events
    await store.assertDone();
  });
});
