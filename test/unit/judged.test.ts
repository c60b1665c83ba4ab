/** What the HTTP edge has judged is not checked again: so it must take nothing that the store would refuse. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { positionText } from "../../src/event/event.ts";
import { makeTurns } from "../../src/event/turns.ts";
import { parseJsonText } from "../../src/http/json.ts";
import { eventRequest, toAppendReply, toEventInput, writeAppendReply } from "../../src/http/wire/events.ts";
import { toWirePlace } from "../../src/http/wire/names.ts";
import { readUsualEvent } from "../../src/http/wire/usual-event.ts";
import { encodeAppend } from "../../src/log/append-rules.ts";
import { checkInput, checkJudged } from "../../src/store/append/check-input.ts";
import { complete } from "../../src/store/append/complete.ts";
import { asJudged, isJudged, maxJudgedBytes } from "../../src/store/append/judged.ts";
import { entity } from "../../src/store/append/members.ts";
import { makePlaces } from "../../src/store/append/places.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("a", "order.placed", "order", "normal", "x".repeat(257), "\u0000", "\ud800", ""),
);
const mostly = <T>(good: T) => fc.oneof({ weight: 8, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: text }, { weight: 1, arbitrary: fc.jsonValue() });
const optional = (good: unknown) => fc.option(mostly(good), { nil: undefined, freq: 2 });

const event = fc.record({
  id: optional("018F2B2E-7c4a-7d3b-8a1e-0123456789ab"),
  type: mostly("order.placed"),
  schema_version: optional(1),
  entity: mostly({ type: "order", id: "o-1" }),
  data: fc.oneof(fc.jsonValue(), fc.constant({ deep: { a: [-0, 1e21, "\ud800", { constructor: 1 }] } }), fc.constant(undefined)),
  source: optional("intake"),
  occurred_at: optional("2026-01-31T12:00:00+01:00"),
  priority: optional("high"),
  correlation_id: optional("c"),
  traceparent: optional(`00-${"1".repeat(32)}-${"2".repeat(16)}-01`),
  call_chain: optional(["web", "intake"]),
  context_refs: optional([{ kind: "doc", ref: "r" }]),
});

it("an event that the edge takes is one that the store takes, too", async () => {
  let taken = 0;
  const one = async (given: unknown) => {
    let input: ReturnType<typeof toEventInput>;
    try {
      input = toEventInput(eventRequest.parse(parseJsonText(JSON.stringify(given))));
    } catch {
      return; // refused: by the JSON or by the shape
    }
    taken++;
    const bytes = await checkInput([input], {}, makePlaces({}, true), makeTurns());
    expect(bytes.size).toBe(0);
  };
  await fc.assert(fc.asyncProperty(event, one), { numRuns: 2000, seed: 18 });
  expect(taken).toBeGreaterThan(100);
});

const lengthOf = (value: unknown) => JSON.stringify(value)?.length ?? 0;
const usual = fc
  .record({
    type: mostly("order.placed"),
    schema_version: fc.option(fc.oneof(mostly(2), fc.constantFrom(0, -1, 1.5, 2 ** 53)), { nil: undefined }),
    entity: fc.oneof(mostly({ type: "order", id: "o-1" }), fc.constantFrom({ type: "order", id: "a..b" }, { type: "order", id: "o", more: 1 }, { id: "o" })),
    data: fc.option(fc.jsonValue(), { nil: undefined, freq: 9 }),
    source: optional("https://intake/1 @a"),
    other: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.jsonValue() }),
  })
  .map((given) => Object.fromEntries(Object.entries(given).sort(([, a], [, b]) => lengthOf(a) - lengthOf(b))));

it("a usual body is read as its shape reads it", () => {
  let taken = 0;
  const one = (given: unknown) => {
    const body = JSON.parse(JSON.stringify(given)) as unknown;
    const read = readUsualEvent(body);
    if (read === null) return;
    taken++;
    expect(read).toStrictEqual(toEventInput(eventRequest.parse(body)));
  };
  fc.assert(fc.property(usual, one), { numRuns: 3000, seed: 25 });
  expect(taken).toBeGreaterThan(300);
  for (const body of [undefined, null, "a", [], {}, { events: [] }]) expect(readUsualEvent(body)).toBe(null);
});

it("a body that is called judged fits into one append however its numbers are written again", () => {
  const numbers = `[${"1e15,".repeat(maxJudgedBytes / 5 - 1)}1]`;
  expect(numbers.length).toBeLessThanOrEqual(maxJudgedBytes);
  const input = { type: "order.placed", entity: { type: "order", id: "o-1" }, data: JSON.parse(numbers) as number[] };
  const sent = complete(input, { describe: () => undefined } as never, () => "018f2b2e-7c4a-7d3b-8a1e-0123456789ab");
  expect(encodeAppend("default.order-o-1", [sent], "any").bytes).toBeGreaterThan(3 * maxJudgedBytes);
});

it("several entities have no revision to expect, judged or not", async () => {
  const inputs = ["o-1", "o-2"].map((id) => ({ type: "order.placed", entity: { type: "order", id }, data: {} }));
  const options = { expectedRevision: 3, place: toWirePlace };
  const places = makePlaces(options, false);
  const refused = { code: "REQUEST_INVALID", errors: [{ pointer: "#/events/1/entity" }] };
  await expect(checkInput(inputs, options, places, makeTurns())).rejects.toMatchObject(refused);
  expect(() => checkJudged(inputs, asJudged(options), places)).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
});

it("nobody can say it by a name", () => {
  expect([{ judged: true }, { "Symbol(judged)": true }, { [Symbol("judged")]: true }, {}].map((options) => isJudged(options as never))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(isJudged({ ...asJudged({ tenant: "acme" }) })).toBe(true);
});

it("the reply for one event is written as JSON.stringify writes it", () => {
  const names = fc.record({
    type: fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/),
    id: fc.string({ unit: "binary", maxLength: 12 }).filter((id) => entity.safeParse({ type: "order", id }).success),
  });
  const appended = fc.record({
    id: fc.uuid(),
    entity: names,
    revision: fc.nat(),
    position: fc.bigInt({ min: 1n }).map(positionText),
    recordedAt: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    duplicate: fc.boolean(),
  });
  fc.assert(
    fc.property(appended, (event) => {
      expect(writeAppendReply(event)).toBe(JSON.stringify(toAppendReply([event])));
    }),
  );
});
