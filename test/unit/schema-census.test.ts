import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeCensus } from "../../src/catalog/census.ts";
import { defineEvent, defineUpcasters, drop, part, split } from "../../src/catalog/define.ts";
import { checkLock } from "../../src/catalog/lock/check-lock.ts";
import { makeSubject } from "../../src/catalog/lock/subject.ts";
import { nextLock } from "../../src/catalog/lock/write-lock.ts";
import { makeLogCheck } from "../../src/catalog/log-check.ts";
import type { Json, StoredEvent } from "../../src/event/event.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

const paid = defineEvent(
  "order.paid",
  { 1: z.object({ cents: z.int() }), 2: z.object({ cents: z.int(), by: z.string().nullable() }) },
  { formerly: ["order.payed"] },
);
const moved = defineEvent("order.moved", { 1: z.object({ to: z.string() }), 2: z.object({}) });
const both = defineEvent("order.closed", { 1: z.object({ cents: z.int() }), 2: z.object({}), 3: z.object({}) });
const definitions = {
  events: [paid, moved, both],
  upcasters: [
    defineUpcasters(paid, {
      1: ({ cents }) => {
        if (cents < 0) throw new RangeError("below zero");
        return { cents, by: null };
      },
    }),
    defineUpcasters(moved, { 1: ({ to }) => (to === "nowhere" ? drop("never sent") : {}) }),
    defineUpcasters(
      both,
      { 1: ({ cents }) => split(part(paid, { cents }, { version: 1 }), part(moved, {}, { version: 2 })), 2: () => ({}) },
      { into: [paid, moved] },
    ),
  ],
};
const { catalog } = makeSubject(definitions);

let position = 0n;
function stored(type: string, schemaVersion: number, data: Json, stream = "default.order-1"): StoredEvent {
  position++;
  const recordedAt = new Date(Number(position) * 86_400_000).toISOString();
  return makeStoredEvent({ id: `id-${position}`, type, schemaVersion, data, stream, revision: Number(position), position, recordedAt });
}
const log = [
  stored("log.created", 1, {}, "reprise.log"),
  stored("order.payed", 1, { cents: 1 }),
  stored("order.payed", 1, { cents: -1 }, "shop.order-1"),
  stored("order.paid", 2, { cents: 1, by: null }),
  stored("order.moved", 1, { to: "nowhere" }),
  stored("order.closed", 1, { cents: 1 }),
  stored("order.paid", 9, {}),
  stored("order.lost", 1, {}),
  stored("x", 1, {}, "Other.thing"),
];

describe("a census", () => {
  const census = makeCensus(catalog);
  for (const event of log) census.add(event);
  const report = census.report();

  it("counts by type and version, with what today's code makes of them", () => {
    expect(report.rows.map((row) => [row.storedType, row.type, row.version, row.count, row.lifted, row.dropped, row.failed, row.newer])).toEqual([
      ["order.closed", "order.closed", 1, 1, 1, 0, 0, 0],
      ["order.lost", null, 1, 1, 0, 0, 0, 1],
      ["order.moved", "order.moved", 1, 1, 0, 1, 0, 0],
      ["order.paid", "order.paid", 2, 1, 1, 0, 0, 0],
      ["order.paid", "order.paid", 9, 1, 0, 0, 0, 1],
      ["order.payed", "order.paid", 1, 2, 1, 0, 1, 0],
    ]);
    const payed = report.rows.at(-1)!;
    expect(payed).toMatchObject({
      first: { position: 2n, recordedAt: "1970-01-03T00:00:00.000Z" },
      last: { position: 3n },
      tenants: { count: 2, atLeast: false, names: ["default", "shop"] },
    });
    expect(payed.firstError).toMatchObject({ type: "RangeError", position: 3n });
  });

  it("counts what is of no entity apart", () => {
    expect(report).toMatchObject({ events: 7, own: 1, foreign: 1, beyondRows: 0 });
  });

  it("tells which steps events go through: also as parts of a split, and no further than to a drop", () => {
    expect(report.steps.map(({ type, from, events }) => [type, from, events])).toEqual([
      ["order.closed", 1, 1],
      ["order.closed", 2, 0],
      ["order.moved", 1, 1],
      ["order.paid", 1, 3],
    ]);
  });

  it("is bounded in rows and tenants", () => {
    const small = makeCensus(catalog, { rows: 2, tenants: 2 });
    for (let tenant = 0; tenant < 5; tenant++) for (const type of ["a", "b", "c"]) small.add(stored(type, 1, {}, `t${tenant}.order-1`));
    const { rows, beyondRows } = small.report();
    expect(rows).toHaveLength(2);
    expect(beyondRows).toBe(5);
    expect(rows[0]?.tenants).toEqual({ count: 1, atLeast: true, names: ["t0"] });
  });
});

describe("a check of a log", () => {
  it("tells each event that cannot be read, and the first of each kind", () => {
    const check = makeLogCheck(catalog);
    for (const event of [...log, stored("order.payed", 1, { cents: -2 })]) check.add(event);
    const { events, failed, failures, kinds, beyondKinds } = check.report();
    expect({ events, failed, beyondKinds }).toEqual({ events: 8, failed: 4, beyondKinds: 0 });
    expect(failures.map((failure) => failure.position)).toEqual([3n, 7n, 8n, position]);
    expect(kinds.map(({ count, first }) => [count, first.eventType, first.version, first.type, first.position])).toEqual([
      [2, "order.payed", 1, "RangeError", 3n],
      [1, "order.paid", 9, "SchemaVersionUnknown", 7n],
      [1, "order.lost", 1, "EventTypeUnknown", 8n],
    ]);
  });

  it("keeps no more than its limits", () => {
    const check = makeLogCheck(catalog, { failures: 2, kinds: 2 });
    for (let version = 3; version < 8; version++) check.add(stored("order.paid", version, {}));
    const { failed, failures, kinds, beyondKinds } = check.report();
    expect([failed, failures.length, kinds.length, beyondKinds]).toEqual([5, 2, 2, 3]);
  });
});

describe("the lock of steps that drop and split", () => {
  it("has the parts, the reason of a drop, and a change of either", () => {
    const next = nextLock({ format: 2, types: {} }, makeSubject(definitions), [], []);
    if (!next.ok) throw new Error("refused");
    const { samples } = next.lock.types["order.closed"]!.versions[1]!;
    expect(samples.full?.becomes).toEqual({
      "2": {
        split: [
          { type: "order.paid", schema_version: 1, data: { cents: 42 } },
          { type: "order.moved", schema_version: 2, data: {} },
        ],
      },
    });
    // A part below zero cannot be lifted: the step that made it fails.
    expect(samples.smallest?.becomes).toEqual({ "2": { error: "RangeError" } });

    const dropping = (reason: string) => ({ ...definitions, upcasters: definitions.upcasters.with(1, defineUpcasters(moved, { 1: () => drop(reason) })) });
    const first = nextLock({ format: 2, types: {} }, makeSubject(dropping("no more")), [], []);
    if (!first.ok) throw new Error("refused");
    expect(first.lock.types["order.moved"]!.versions[1]!.samples.full?.becomes).toEqual({ "2": { dropped: "no more" } });
    const [finding] = checkLock(first.lock, makeSubject(dropping("not any more")), []);
    expect(finding).toMatchObject({ rule: "step-result-changed", type: "order.moved", version: 1 });
    expect(finding?.details[0]).toContain('{"dropped":"no more"} → {"dropped":"not any more"}');
  });
});
