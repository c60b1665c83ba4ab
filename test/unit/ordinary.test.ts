/** What is called ordinary is not checked by check-input.ts: so it must be nothing that this would refuse. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeTurns } from "../../src/event/turns.ts";
import { checkInput } from "../../src/store/append/check-input.ts";
import type { AppendOptions, EventInput } from "../../src/store/append/event-input.ts";
import { isOrdinary } from "../../src/store/append/ordinary.ts";
import { makePlaces } from "../../src/store/append/places.ts";

const order: EventInput = { type: "order.placed", entity: { type: "order", id: "o-1" }, data: { cents: 100, lines: [{ sku: "a", count: 2 }] } };
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
const hidden = (name: string, value: unknown) => Object.defineProperty({ ...order }, name, { value, enumerable: false });
const wide = (levels: number): unknown => {
  let value: unknown = 0;
  for (let level = 0; level < levels; level++) value = [value, value];
  return value;
};

const odd = fc.constantFrom<unknown>(undefined, null, 1, 1.5, Number.NaN, 2 ** 53, 1n, "", "A b", "a..b", "reprise", "x".repeat(300), [], {}, new Date(0), () => 1, Symbol("s"), nested(200), wide(60)); // biome-ignore format: one line
const mostly = (good: unknown) => fc.oneof({ weight: 12, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: odd });
const seldom = fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: odd });
const key = fc.oneof({ weight: 9, arbitrary: fc.string({ maxLength: 3 }) }, { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor") });
const data = fc.letrec((tie) => ({
  value: fc.oneof({ weight: 9, arbitrary: tie("json") }, { weight: 1, arbitrary: odd }),
  json: fc.oneof({ maxDepth: 3 }, fc.jsonValue({ maxDepth: 1 }), fc.array(tie("value"), { maxLength: 4 }), fc.dictionary(key, tie("value"), { maxKeys: 4 })),
})).value;
const without = <T extends object>(given: T): T => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
const input = fc
  .record({
    type: mostly("order.placed"),
    schemaVersion: mostly(1),
    entity: mostly(order.entity),
    data,
    id: seldom,
    source: seldom,
    extensions: seldom,
    other: seldom,
  })
  .map((given) => without(given) as unknown as EventInput);
const options = fc.record({ tenant: seldom, expectedRevision: seldom, other: seldom }).map((given) => without(given) as AppendOptions);

const refusal = (given: EventInput, said: AppendOptions) =>
  checkInput([given], said, makePlaces({}, true), makeTurns()).then(
    (bytes) => (bytes.size === 0 ? null : "large"),
    (error: unknown) => error,
  );

describe("an ordinary event", () => {
  it("is one with which the check finds no fault, and small (property)", async () => {
    let ordinary = 0;
    const one = async (given: EventInput, said: AppendOptions) => {
      if (!isOrdinary(given, said)) return;
      ordinary++;
      expect(await refusal(given, said)).toBe(null);
    };
    await fc.assert(fc.asyncProperty(input, options, one), { numRuns: 3000, seed: 25 });
    expect(ordinary).toBeGreaterThan(300);
  });

  it("says its type, entity and data, and maybe a version and a tenant", () => {
    expect(isOrdinary(order, {})).toBe(true);
    expect(isOrdinary({ ...order, schemaVersion: 2 }, { tenant: "acme" })).toBe(true);
    expect(isOrdinary({ ...order, data: nested(128) as never }, {})).toBe(true);
  });

  it.each<[string, unknown, object?]>([
    ["with an id", { ...order, id: "018f2b2e-7c4a-7d3b-8a1e-0123456789ab" }],
    ["with a hidden id", hidden("id", "018f2b2e-7c4a-7d3b-8a1e-0123456789ab")],
    ["with a hidden source", hidden("source", "\u0000")],
    ["whose class has a source", Object.assign(Object.create({ source: 1 }) as object, order)],
    ["with a member that nobody knows", { ...order, other: undefined }],
    ["of an entity with a member that nobody knows", { ...order, entity: { ...order.entity, other: 1 } }],
    ["whose data is large", { ...order, data: "x".repeat(1000) }],
    ["whose data has a list inside itself many times", { ...order, data: wide(100) }],
    ["whose data is an instance", { ...order, data: new Date(0) }],
    ["whose data is missing", { type: order.type, entity: order.entity }],
    ["whose list has a hole", { ...order, data: new Array(2) }],
    ["that expects a revision", order, { expectedRevision: 1 }],
    ["of Reprise's own tenant", order, { tenant: "reprise" }],
    ["with an option that nobody knows", order, { other: 1 }],
    ["that is none", null],
    [
      "whose data throws",
      {
        ...order,
        get data() {
          throw new Error("no data");
        },
      },
    ],
  ])("is none %s", (_, given, said = {}) => {
    expect(isOrdinary(given as EventInput, said)).toBe(false);
  });
});
