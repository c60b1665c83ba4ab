import fc from "fast-check";
import type { StoredEvent } from "reprise";
import { describe, expect, it } from "vitest";
import { morning, noon } from "../../examples/order-desk/orders.ts";
import { orderPlaced } from "../../schemas/order.placed/index.ts";
import { upcasters } from "../../upcasters/index.ts";
import { v1ToV2 as orderV1ToV2 } from "../../upcasters/order.placed/v1-to-v2.ts";
import { v2ToV3 as orderV2ToV3 } from "../../upcasters/order.placed/v2-to-v3.ts";
import { v1ToV2 as chargeV1ToV2 } from "../../upcasters/payment.charged/v1-to-v2.ts";
import { v1ToV2 as stockV1ToV2 } from "../../upcasters/stock.reserved/v1-to-v2.ts";
import { arbitraryOf } from "../support/arbitrary-of.ts";
import { makeGivenEvent } from "../support/stored-event.ts";

const envelope = (schemaVersion: number): StoredEvent => makeGivenEvent({ schemaVersion, source: "till", recordedAt: "2026-01-02T03:04:05.678Z" });
const steps = upcasters.flatMap(({ event, steps }) =>
  Object.entries(steps).map(([from, step]) => ({ name: `${event.type} v${from}`, event, from: Number(from), step })),
);

describe("the order desk's upcasters", () => {
  it.each(steps)("lift any valid $name to a valid next version, and leave it as it was", ({ event, from, step }) => {
    const [source, target] = [event.schemas[from], event.schemas[from + 1]];
    if (source === undefined || target === undefined) throw new Error(`${event.type} has no v${from} or no v${from + 1}`);
    fc.assert(
      fc.property(arbitraryOf(source), (data) => {
        const copy = structuredClone(data);
        const lifted = step(deepFreeze(data) as never, envelope(from));
        expect(target.safeParse(lifted)).toMatchObject({ success: true });
        expect(data).toStrictEqual(copy);
      }),
    );
  });

  it("keep every piece of an order", () => {
    fc.assert(
      fc.property(arbitraryOf(orderPlaced.schemas[2]), (data) => {
        const { lines } = orderV2ToV3(data, envelope(2));
        expect(lines.flatMap(({ sku, quantity }) => Array<string>(quantity).fill(sku)).sort()).toEqual([...data.items].sort());
        expect(new Set(lines.map(({ sku }) => sku)).size).toBe(lines.length);
      }),
    );
  });

  it("keep every cent of an amount with two decimals", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000_000 }), (cents) => {
        const order = { orderId: "1", email: "ada@example.org", items: ["mug"] };
        expect(orderV1ToV2({ ...order, total: cents / 100 }, envelope(1)).totalCents).toBe(cents);
        const amount = `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, "0")} CHF`;
        expect(chargeV1ToV2({ orderId: "1", email: "ada@example.org", amount }, envelope(1))).toMatchObject({
          amountCents: cents,
          currency: "CHF",
          chargeId: null,
        });
      }),
    );
  });

  it("read a shelf as warehouse and bin, and take the log's clock for the time that v1 did not tell", () => {
    const order = { orderId: "1", email: "ada@example.org", totalCents: 1, currency: "EUR" as const };
    expect(stockV1ToV2({ ...order, shelf: "HAM-0012" }, envelope(1))).toEqual({ ...order, warehouse: "HAM", bin: 12, reservedAt: "2026-01-02T03:04:05.678Z" });
  });

  it("make of every order of the demo what the demo worked out without them", () => {
    for (const { sent, schemaVersion, expected } of [...morning, ...Object.values(noon).flat()]) {
      let data: unknown = sent;
      if (schemaVersion === 1) data = orderV1ToV2(orderPlaced.schemas[1].parse(data), envelope(1));
      if (schemaVersion < 3) data = orderV2ToV3(orderPlaced.schemas[2].parse(data), envelope(2));
      expect(data).toStrictEqual(expected);
      expect(orderPlaced.schemas[3].parse(data)).toStrictEqual(expected);
    }
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const member of Object.values(Object.freeze(value))) deepFreeze(member);
  return value;
}
