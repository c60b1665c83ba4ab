import { describe, expect, it } from "vitest";
import type { Call } from "../../examples/order-desk/integrations.ts";
import { type Delivery, type Evidence, judge, plantWrongOrder } from "../../examples/order-desk/promises.ts";

const promises = {
  ordered: "In log order, and one at a time, in each lane",
  notOvertaken: "Nothing overtook a failed event of its order",
  replayedOnce: "What waited was delivered once after the fix",
  doneOnce: "Nothing was reserved, charged or mailed twice",
  currentOnly: "Old payloads reached agents in today's shape",
  untouched: "The log holds what was sent, unchanged",
  isolated: "Healthy orders waited for no order in trouble",
  leftAlone: "The system that was down was left alone",
  decided: "No refund over 100 went out without a person",
  conserved: "Every event has its outcome, none is missing",
};

const order = { orderId: "o-1", totalCents: 100 };
const call = (deliveryId: string, began: number, ended: number, more: Partial<Call> = {}): Call => ({
  integration: "payments",
  path: "/charges",
  deliveryId,
  orderId: "o-1",
  body: { orderId: "o-1" },
  began,
  ended,
  status: 200,
  effect: true,
  ...more,
});
const delivery = (deliveryId: string, revision: number, more: Partial<Delivery> = {}): Delivery => ({
  deliveryId,
  handler: "payment",
  orderId: "o-1",
  revision,
  status: "completed",
  ...more,
});

/** Two orders: o-2 is healthy; the charge of o-1 fails, its refund waits, and both come after the fix at tick 20. */
const screening = call("screen", 1, 2, { integration: "screening", path: "/screenings", body: order });
const healthyCharge = call("healthy", 3, 4, { orderId: "o-2" });
const failedCharge = call("charge", 5, 6, { status: 500, effect: false });
const charge = call("charge", 21, 22);
const refund = call("refund", 23, 24, { path: "/refunds" });
const evidence: Evidence = {
  calls: [screening, healthyCharge, failedCharge, charge, refund],
  deliveries: [
    delivery("screen", 0, { handler: "intake" }),
    delivery("healthy", 2, { orderId: "o-2" }),
    delivery("charge", 2, { status: "replayed" }),
    delivery("refund", 3),
  ],
  orders: [{ orderId: "o-1", schemaVersion: 1, sent: { total: 1 }, stored: { schemaVersion: 1, data: { total: 1 } }, expected: order }],
  mended: { tick: 20, waiting: ["charge", "refund"] },
  discarded: new Map(),
  approved: new Map(),
  refundLimitCents: 10_000,
  down: { integration: "mail", handler: "confirmation", maxCalls: 1 },
  healthy: ["o-2"],
  accounts: [{ handler: "payment", wanted: 3, done: 3, waiting: 0, counted: 3 }],
};
const broken = (changed: Partial<Evidence>): readonly string[] =>
  judge({ ...evidence, ...changed })
    .filter(({ violations }) => violations.length > 0)
    .map(({ promise }) => promise);

describe("the demo's checker", () => {
  it("finds nothing where nothing is wrong, and names each promise once", () => {
    expect(broken({})).toEqual([]);
    expect(judge(evidence).map(({ promise }) => promise)).toEqual(Object.values(promises));
  });

  it("finds the lie that --plant plants", () => {
    expect(broken(plantWrongOrder(evidence))).toContain(promises.ordered);
  });

  it("lets a discarded or skipped delivery release what follows it", () => {
    const calls = [screening, healthyCharge, failedCharge, refund];
    const gone = (status: string) => evidence.deliveries.map((one) => (one.deliveryId === "charge" ? { ...one, status } : one));
    expect(broken({ calls, deliveries: gone("discarded"), discarded: new Map([["charge", 22]]) })).toEqual([]);
    expect(broken({ calls, deliveries: gone("skipped"), mended: { tick: 20, waiting: ["refund"] } })).toEqual([]);
  });

  it("lets a large refund go out after a person approved it, and takes the bank's question for none", () => {
    const asked = call("refund", 23, 24, { path: "/refunds", status: 409, effect: false });
    const paid = call("refund", 26, 27, { path: "/refunds" });
    const calls = [screening, healthyCharge, failedCharge, charge, asked, paid];
    expect(broken({ calls, refundLimitCents: 50, approved: new Map([["refund", 25]]) })).toEqual([]);
  });

  it("forgives a repeat after a lost answer when the work was done once", () => {
    const lost = call("healthy", 3, 4, { orderId: "o-2", status: null });
    const again = call("healthy", 7, 8, { orderId: "o-2", effect: false });
    expect(broken({ calls: [screening, lost, failedCharge, again, charge, refund] })).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, string[]]>([
    [
      "a follower before its failed head",
      { calls: [screening, healthyCharge, failedCharge, call("refund", 7, 8), charge] },
      ["ordered", "notOvertaken", "replayedOnce"],
    ],
    [
      "a follower that begins before its head has ended",
      { calls: [screening, healthyCharge, failedCharge, charge, call("refund", 22, 24), { ...charge, began: 21, ended: 23 }] },
      ["ordered", "replayedOnce", "doneOnce"],
    ],
    ["two calls of one order at a time", { calls: [screening, healthyCharge, failedCharge, call("charge", 21, 25), refund] }, ["ordered", "notOvertaken"]],
    ["a call that no delivery explains", { calls: [...evidence.calls, call("stranger", 30, 31)] }, ["ordered"]],
    [
      "a follower of a discarded delivery before the discard",
      {
        calls: [screening, healthyCharge, failedCharge, refund],
        deliveries: evidence.deliveries.map((one) => (one.deliveryId === "charge" ? { ...one, status: "discarded" } : one)),
        discarded: new Map([["charge", 24]]),
      },
      ["notOvertaken"],
    ],
    ["a call of a discarded delivery", { discarded: new Map([["charge", 19]]) }, ["replayedOnce"]],
    ["a waiting event that never came", { calls: [screening, healthyCharge, failedCharge, charge] }, ["replayedOnce", "doneOnce"]],
    ["a waiting event that came twice", { calls: [...evidence.calls, call("refund", 25, 26, { effect: false })] }, ["replayedOnce"]],
    ["a charge done twice", { calls: [...evidence.calls, call("healthy", 10, 11, { orderId: "o-2" })] }, ["doneOnce"]],
    ["a v1 payload that reached the agent", { calls: [{ ...screening, body: { orderId: "o-1", total: 1 } }, ...evidence.calls.slice(1)] }, ["currentOnly"]],
    ["no payload at all", { calls: evidence.calls.slice(1), deliveries: evidence.deliveries.slice(1) }, ["currentOnly"]],
    ["a lifted payload in the log", { orders: evidence.orders.map((one) => ({ ...one, stored: { schemaVersion: 1, data: order } })) }, ["untouched"]],
    ["another version in the log", { orders: evidence.orders.map((one) => ({ ...one, stored: { schemaVersion: 2, data: one.sent } })) }, ["untouched"]],
    [
      "a healthy order that waited for the fix",
      { calls: [screening, call("healthy", 30, 31, { orderId: "o-2" }), failedCharge, charge, refund] },
      ["isolated"],
    ],
    [
      "a system that was called again and again while it was down",
      {
        calls: [...evidence.calls, ...[7, 9].map((at) => call("letter", at, at + 1, { integration: "mail", path: "/mails", status: 503, effect: false }))],
        deliveries: [...evidence.deliveries, delivery("letter", 4, { handler: "confirmation", status: "completed" })],
      },
      ["doneOnce", "leftAlone"],
    ],
    [
      "a letter that used up its attempts while mail was down",
      { deliveries: [...evidence.deliveries, delivery("letter", 4, { handler: "confirmation", status: "dead_lettered" })] },
      ["leftAlone"],
    ],
    ["a large refund that nobody approved", { refundLimitCents: 50 }, ["decided"]],
    ["a large refund before it was approved", { refundLimitCents: 50, approved: new Map([["refund", 24]]) }, ["decided"]],
    ["an event without an outcome", { accounts: [{ handler: "payment", wanted: 3, done: 2, waiting: 1, counted: 3 }] }, ["conserved"]],
    ["an event that the handler's account has lost", { accounts: [{ handler: "payment", wanted: 2, done: 2, waiting: 0, counted: 3 }] }, ["conserved"]],
  ])("finds %s", (_, changed, expected) => {
    expect(broken(changed)).toEqual(expected.map((name) => promises[name as keyof typeof promises]));
  });
});
