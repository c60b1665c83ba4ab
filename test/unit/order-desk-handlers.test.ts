import type { HandlerContext } from "reprise";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Integrations, startIntegrations } from "../../examples/order-desk/integrations.ts";
import { makeOrder } from "../../examples/order-desk/orders.ts";
import hurried from "../../examples/order-desk/reprise.config.ts";
import { handlers } from "../../handlers/index.ts";
import config from "../../reprise.config.ts";
import { checkConfig } from "../../src/config/config.ts";
import { eventually } from "../support/eventually.ts";

const deliveryId = "5b0c8ee4-7f6f-5d59-9f2e-3c2f1f0f4c11";
const reservedAt = "2026-01-02T03:04:05.678Z";

let integrations: Integrations;
let appended: object[];
beforeEach(async () => {
  integrations = await startIntegrations({ now: () => new Date(reservedAt) });
  appended = [];
  for (const name of ["screening", "inventory", "payments", "mail", "analytics"] as const)
    vi.stubEnv(`ORDER_DESK_${name.toUpperCase()}_URL`, integrations[name].url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await integrations.close();
});

const { expected: placed } = makeOrder(2, { mug: 2 });
const { orderId, email, totalCents, currency, lines } = placed;

/** Hands one event to the agent that wants it, as a delivery would. */
async function deliver(handlerName: string, type: string, data: unknown, more: Partial<Pick<HandlerContext, "deliveryId" | "signal" | "approval">> = {}) {
  const logged: string[] = [];
  const handler = handlers.find(({ name }) => name === handlerName);
  if (handler === undefined || !("on" in handler)) throw new Error(`no handler ${handlerName}`);
  const event = {
    id: "0198c0de-0000-7000-8000-000000000001",
    type,
    schemaVersion: 1,
    entity: { type: "order", id: orderId },
    tenant: "default",
    source: "web",
    occurredAt: null,
    recordedAt: reservedAt,
    data,
    metadata: { priority: "normal", callChain: ["web"] },
    revision: 0,
    position: "1",
  };
  const context: HandlerContext = {
    ...{ attempt: 1, deliveryId, replay: null, approval: null, signal: new AbortController().signal },
    log: (line) => logged.push(line),
    effect: async (_key, effect) => effect(),
    append: async ({ type }, entity, data) => {
      appended.push({ type, entity, data });
      return { id: deliveryId, entity, revision: 1, position: "2", recordedAt: reservedAt, duplicate: false };
    },
    ...more,
  };
  await handler.on[type]?.(event as never, context);
  return logged;
}

const followUp = (type: string, data: object) => ({ type, entity: { type: "order", id: orderId }, data });

describe("the order desk", () => {
  it("is a config that the service takes, as shipped and hurried", () => {
    for (const each of [config, hurried])
      expect(checkConfig(each).handlers.map(({ name }) => name)).toEqual(["intake", "inventory", "payment", "confirmation", "analytics"]);
  });

  it("gives each agent the patience that its trade bears", () => {
    const policies = Object.fromEntries(checkConfig(config).handlers.map((spec) => [spec.name, { ...spec, policy: spec.policies.of("order.cancelled") }]));
    expect(policies).toMatchObject({
      intake: { policy: { maxAttempts: 10, onExhausted: "escalate" }, integration: { name: "screening" } },
      inventory: { policy: { maxAttempts: 5, onExhausted: "dead_letter" }, record: "each", integration: { name: "inventory" } },
      payment: { policy: { maxAttempts: 1, onExhausted: "escalate" }, record: "each", unknownOutcome: "escalate", integration: { name: "payments" } },
      confirmation: { policy: { maxAttempts: 10, onExhausted: "dead_letter" }, integration: { name: "mail" } },
      analytics: { policy: { maxAttempts: 1, onExhausted: "skip" }, integration: { name: "analytics", breaker: null } },
    });
  });
});

describe("intake", () => {
  it("screens an order and appends it as validated", async () => {
    await deliver("intake", "order.placed", placed);
    expect(integrations.screening.calls).toMatchObject([{ deliveryId, body: placed, status: 200 }]);
    expect(appended).toEqual([followUp("order.validated", { ...placed, screeningId: `screening-of-${orderId}` })]);
  });

  it("hands an order without a price to a person, and calls nobody", async () => {
    await expect(deliver("intake", "order.placed", { ...placed, totalCents: 0 })).rejects.toMatchObject({ name: "Terminal" });
    expect(integrations.screening.calls).toEqual([]);
  });
});

describe("inventory", () => {
  it("reserves, and appends where the goods lie", async () => {
    await deliver("inventory", "order.validated", { ...placed, screeningId: "s" });
    expect(integrations.inventory.calls).toMatchObject([{ path: "/reservations", body: { orderId, lines } }]);
    expect(appended).toEqual([followUp("stock.reserved", { orderId, email, totalCents, currency, warehouse: "HAM", bin: 1, reservedAt })]);
  });

  it("hands a sold-out order to a person", async () => {
    integrations.soldOut.add("mug");
    await expect(deliver("inventory", "order.validated", placed)).rejects.toMatchObject({
      name: "Terminal",
      message: "inventory refused the reservation: out_of_stock",
    });
  });

  it("finds its first reservation when the answer was lost", async () => {
    integrations.inventory.break(() => "silence");
    const patience = new AbortController();
    const lost = deliver("inventory", "order.validated", placed, { signal: patience.signal });
    await eventually(() => expect(integrations.inventory.calls).toHaveLength(1));
    patience.abort(new Error("out of time"));
    await expect(lost).rejects.toThrow("out of time");
    await eventually(() => expect(integrations.inventory.calls[0]?.ended).not.toBeNull());
    integrations.inventory.mend();
    await deliver("inventory", "order.validated", placed);
    expect(integrations.inventory.calls).toMatchObject([
      { status: null, effect: true },
      { status: 200, effect: false },
    ]);
    expect(appended).toMatchObject([{ data: { bin: 1 } }]);
  });

  it("reserves nothing for an order that was cancelled first", async () => {
    await deliver("inventory", "order.cancelled", { orderId, email, by: "customer" }, { deliveryId: "another" });
    expect(await deliver("inventory", "order.validated", placed)).toEqual(["cancelled meanwhile: nothing reserved"]);
    expect(appended).toEqual([]);
  });
});

describe("payment", () => {
  const stock = { orderId, email, totalCents, currency, warehouse: "HAM", bin: 1, reservedAt };
  const cancelled = { orderId, email, by: "customer" };

  it("charges, and gives back what it charged", async () => {
    await deliver("payment", "stock.reserved", stock, { deliveryId: "first" });
    await deliver("payment", "order.cancelled", cancelled);
    expect(appended).toMatchObject([
      { type: "payment.charged", data: { orderId, email, amountCents: totalCents, currency, chargeId: `charge-of-${orderId}` } },
      { type: "payment.refunded", data: { orderId, email, amountCents: totalCents, currency } },
    ]);
  });

  it("asks a person for a refund over 100, and gives it back once that is approved", async () => {
    const { expected } = makeOrder(16, { desk: 1 });
    await deliver("payment", "stock.reserved", { ...stock, totalCents: expected.totalCents }, { deliveryId: "first" });
    await expect(deliver("payment", "order.cancelled", cancelled)).rejects.toMatchObject({ name: "Escalate", message: "a refund over 100" });
    expect(appended).toHaveLength(1);
    await deliver("payment", "order.cancelled", cancelled, { approval: { by: "ada", reason: null } });
    expect(appended[1]).toMatchObject({ type: "payment.refunded", data: { amountCents: expected.totalCents } });
  });

  it("neither refunds nor charges an order that was cancelled before its charge", async () => {
    expect(await deliver("payment", "order.cancelled", cancelled)).toEqual(["cancelled before it was charged: nothing to refund"]);
    expect(await deliver("payment", "stock.reserved", stock)).toEqual(["cancelled meanwhile: nothing charged"]);
    expect(appended).toEqual([]);
  });

  it("fails without data in its message when payments is broken or gone", async () => {
    integrations.payments.break(() => ({ status: 500 }));
    await expect(deliver("payment", "stock.reserved", stock)).rejects.toMatchObject({ name: "IntegrationFailed", message: "payments answered 500" });
    await integrations.payments.close();
    await expect(deliver("payment", "stock.reserved", stock)).rejects.toMatchObject({ name: "IntegrationFailed", message: "payments cannot be reached" });
  });
});

describe("confirmation", () => {
  it.each([
    ["payment.charged", "receipt"],
    ["confirmation.requested", "copy"],
    ["payment.refunded", "refund"],
  ])("answers %s with a %s", async (type, template) => {
    await deliver("confirmation", type, { orderId, email });
    expect(integrations.mail.calls).toMatchObject([{ body: { orderId, to: email, template } }]);
  });

  it("uses no attempt while mail is busy", async () => {
    integrations.mail.break(() => ({ status: 429 }));
    await expect(deliver("confirmation", "payment.charged", { orderId, email })).rejects.toMatchObject({ name: "NotReady" });
  });

  it.each([
    ["7", { retryAfterMs: 7000 }],
    ["Fri, 02 Jan 2026 03:04:12 GMT", { at: new Date("2026-01-02T03:04:12Z") }],
  ])("leaves mail alone until the time that its 429 names, %s", async (header, expected) => {
    vi.stubGlobal("fetch", async () => new Response("", { status: 429, headers: { "retry-after": header } }));
    await expect(deliver("confirmation", "payment.charged", { orderId, email })).rejects.toMatchObject({ name: "RetryAfter", ...expected });
  });
});

describe("analytics", () => {
  it("counts every type of the desk", async () => {
    for (const { type } of config.events) await deliver("analytics", type, { orderId }, { deliveryId: type });
    expect(integrations.analytics.calls.map(({ body }) => body.type)).toEqual(config.events.map(({ type }) => type));
  });
});
