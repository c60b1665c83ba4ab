/** What a handler appends: its ids, what it takes from its cause, and what stands when a call is repeated. */
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { withinEffect } from "../../src/delivery/effects/under-way.ts";
import { type FollowUpsOf, maxFollowUps } from "../../src/delivery/follow-ups/follow-up-scope.ts";
import { makeFollowUps } from "../../src/delivery/follow-ups/follow-ups.ts";
import type { FollowUpOptions } from "../../src/delivery/handler-context.ts";
import { RepriseError } from "../../src/errors.ts";
import type { CurrentEvent, StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { makeAppender } from "../../src/store/append/append.ts";
import { makeFollowUpAppends } from "../../src/store/append/follow-up-appends.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";

const shipped = defineEvent("order.shipped", { 1: z.object({ parcel: z.string() }), 2: z.object({ parcel: z.string(), by: z.string().default("post") }) });
const cancelled = defineEvent("order.cancelled", { 1: z.object({}) });
const catalog = makeCatalog({ events: [shipped, cancelled], upcasters: [{ event: shipped, steps: { 1: (data: never) => data }, into: [] }] });
const order = { type: "order", id: "1" };
const cause: CurrentEvent = {
  ...{ id: "0198c0de-0000-7000-8000-000000000001", type: "order.placed", schemaVersion: 1, entity: order, tenant: "acme" },
  ...{ source: "web", occurredAt: null, recordedAt: "2026-01-01T00:00:00.000Z", data: {}, metadata: { priority: "high" } },
  ...{ revision: 0, position: "7", origin: null },
};
const deliveryId = "5b0c8ee4-7f6f-5d59-9f2e-3c2f1f0f4c11";

let clock: FakeClock;
let log: EventLog;
let failing: RepriseError | null;
let warnings: string[];
beforeEach(() => {
  clock = makeFakeClock();
  log = openMemoryLog({ clock });
  failing = null;
  warnings = [];
});

/** One call of the handler `shipping`, as `context.append` sees it. */
function call(of: Partial<FollowUpsOf> = {}, signal = new AbortController().signal) {
  const watched = { ...log, append: async (...asked: Parameters<EventLog["append"]>) => (failing === null ? log.append(...asked) : Promise.reject(failing)) };
  const needs = { catalog, log: watched, newId };
  const appends = makeFollowUpAppends(makeAppender(needs), { ...needs, clock });
  const logger = { info() {}, warn: (fields: object) => void warnings.push(JSON.stringify(fields)), error() {} };
  const scope = makeFollowUps({ handler: "shipping", appends, log, catalog, clock, logger }).open({ event: cause, replay: null, deliveryId, ...of });
  const append = (parcel: string, options: FollowUpOptions = {}) => scope.append(shipped, order, { parcel }, options, signal);
  return { append, scope, cancel: () => scope.append(cancelled, order, {}, {}, signal) };
}

async function stored(): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const batch of log.readAll()) events.push(...batch.filter(({ tenant }) => tenant !== "reprise"));
  return events;
}
const parcels = async () => (await stored()).map(({ data }) => (data as { parcel?: string }).parcel);

describe("what it takes from its cause", () => {
  it("is tenant, correlation, causation, call chain and trace; its source is the handler", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const metadata = { priority: "high", correlationId: "c-1", traceparent, callChain: ["planner", "web"] } as const;
    const appended = await call({ event: { ...cause, metadata } }).append("P-1", { priority: "low", occurredAt: "2026-01-02T00:00:00Z" });
    const [event] = await stored();
    expect(event).toMatchObject({
      ...{ id: appended.id, type: "order.shipped", schemaVersion: 2, tenant: "acme", entity: order, source: "shipping", data: { parcel: "P-1" } },
      ...{ occurredAt: "2026-01-02T00:00:00Z" },
      metadata: { priority: "low", correlationId: "c-1", causationId: cause.id, traceparent, callChain: ["planner", "web", "shipping"] },
    });
    expect(appended).toEqual({ id: event!.id, entity: order, revision: 0, position: String(event!.position), recordedAt: event!.recordedAt, duplicate: false });
  });

  it("begins a correlation and a chain where the cause has none", async () => {
    await call().append("P-1");
    expect((await stored())[0]!.metadata).toEqual({ priority: "normal", correlationId: cause.id, causationId: cause.id, callChain: ["web", "shipping"] });
  });

  it("names the stored event of a part as its cause, and parts have ids of their own", async () => {
    const part = { ...cause, id: "0198c0de-0000-7000-8000-000000000002", origin: { id: cause.id, part: 0, of: 2 } };
    await call({ event: part }).append("P-1");
    expect((await stored())[0]!.metadata).toMatchObject({ correlationId: cause.id, causationId: cause.id });
  });

  it("keeps the first agent and the last ones of a long chain", async () => {
    const callChain = Array.from({ length: 32 }, (_, n) => `a${n}`);
    await call({ event: { ...cause, metadata: { priority: "normal", callChain } } }).append("P-1");
    const chain = (await stored())[0]!.metadata.callChain!;
    expect(chain).toHaveLength(32);
    expect([chain[0], chain[1], chain[31]]).toEqual(["a0", "a2", "shipping"]);
  });

  it("leaves out members of another program's event that an append may not have", async () => {
    const metadata = { priority: "normal", correlationId: "two\nlines", traceparent: "none", callChain: ["a,b", "web"] } as const;
    await call({ event: { ...cause, source: "x,y", metadata } }).append("P-1");
    expect((await stored())[0]!.metadata).toEqual({ priority: "normal", correlationId: cause.id, causationId: cause.id, callChain: ["web", "shipping"] });
  });
});

describe("a call that is repeated", () => {
  it("appends nothing twice, by the order of its calls and by keys", async () => {
    for (const repeat of [false, true]) {
      const { append } = call();
      const answers = [await append("P-1"), await append("P-2", { key: "second" }), await append("P-3")];
      expect(answers.map(({ duplicate }) => duplicate)).toEqual([repeat, repeat, repeat]);
    }
    expect(await parcels()).toEqual(["P-1", "P-2", "P-3"]);
  });

  it("takes places as they are asked for, whichever is stored first", async () => {
    await Promise.all(["P-1", "P-2"].map((parcel) => call().append(parcel))); // two calls: the same place
    const { append } = call();
    const both = await Promise.all([append("P-1"), append("P-9")]);
    expect(both.map(({ duplicate }) => duplicate)).toEqual([true, false]);
    expect([
      ["P-1", "P-9"],
      ["P-2", "P-9"],
    ]).toContainEqual(await parcels());
  });

  it("gets what was stored first where it has other data now, and warns without data", async () => {
    const first = await call().append("secret-1");
    expect(await call().append("secret-2")).toEqual({ ...first, duplicate: true });
    expect(await call().scope.append(shipped, order, { parcel: 7 }, {}, new AbortController().signal)).toEqual({ ...first, duplicate: true });
    expect(await parcels()).toEqual(["secret-1"]);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain("secret");
    expect(warnings[0]).toContain(first.id);
  });

  it("is refused another type or entity at the same place, which would be lost", async () => {
    await call().append("P-1");
    await expect(call().cancel()).rejects.toMatchObject({ code: "EVENT_ID_REUSED", message: expect.stringMatching(/order\.shipped.*order\.cancelled.*key/) });
    const elsewhere = call().scope.append(shipped, { type: "order", id: "2" }, { parcel: "P-1" }, {}, new AbortController().signal);
    await expect(elsewhere).rejects.toMatchObject({ code: "EVENT_ID_REUSED", message: expect.stringMatching(/order\/1.*order\/2/) });
    expect(await parcels()).toEqual(["P-1"]);
  });

  it("does not count the appends of an effect, because the effect does not run again", async () => {
    const first = call();
    await withinEffect("pack", () => first.append("P-1"));
    await first.append("P-2");
    expect((await call().append("P-2")).duplicate).toBe(true);
    expect(await parcels()).toEqual(["P-1", "P-2"]);
  });
});

describe("one call", () => {
  it("may repeat a key with the same event, and not with another", async () => {
    const { append } = call();
    const first = await append("P-1", { key: "k" });
    expect(await append("P-1", { key: "k" })).toEqual({ ...first, duplicate: true });
    await expect(append("P-2", { key: "k" })).rejects.toMatchObject({ code: "EVENT_ID_REUSED", message: expect.stringContaining('key "k" is there twice') });
  });

  it.each([[""], ["x".repeat(257)], ["\ud800"], [7]])("refuses the key %j for good", async (key) => {
    await expect(call().append("P-1", { key } as never)).rejects.toMatchObject({ name: "Terminal" });
  });

  it("refuses something that is no definition, data that the type refuses, and a type that the catalog does not have; none is tried again", async () => {
    const { scope } = call();
    const signal = new AbortController().signal;
    await expect(scope.append("order.shipped" as never, order, {}, {}, signal)).rejects.toMatchObject({ name: "Terminal" });
    await expect(scope.append(shipped, order, { parcel: 1 }, {}, signal)).rejects.toMatchObject({
      code: "DATA_INVALID",
      errors: [{ pointer: "#/data/parcel" }],
    });
    await expect(scope.append(defineEvent("a.b", { 1: z.object({}) }), order, {}, {}, signal)).rejects.toMatchObject({ code: "EVENT_TYPE_UNKNOWN" });
    for (const option of ["id", "source", "causationId", "tenant", "keys"])
      await expect(scope.append(shipped, order, { parcel: "P" }, { [option]: "x" } as never, signal)).rejects.toMatchObject({
        name: "Terminal",
        message: expect.stringContaining(`no option "${option}"`),
      });
    expect(await stored()).toEqual([]);
  });

  it("appends at most 256 events", async () => {
    const { append } = call();
    await Promise.all(Array.from({ length: maxFollowUps }, (_, n) => append(`P-${n}`)));
    await expect(append("one more")).rejects.toMatchObject({ name: "Terminal" });
  });

  it("appends nothing once it is over", async () => {
    const { append, scope } = call();
    scope.close();
    await expect(append("P-1")).rejects.toMatchObject({ name: "AppendRefused" });
    await expect(call({}, AbortSignal.abort()).append("P-1")).rejects.toMatchObject({ name: "AppendRefused" });
    expect(await parcels()).toEqual([]);
  });

  it("waits for the log as long as its time lasts", async () => {
    failing = new RepriseError("LOG_UNAVAILABLE", "away");
    const waiting = call().append("P-1");
    await clock.advance(5000);
    failing = null;
    await clock.advance(5000);
    expect(await waiting).toMatchObject({ duplicate: false });

    failing = new RepriseError("LOG_UNAVAILABLE", "away");
    const patience = new AbortController();
    const inVain = call({}, patience.signal).append("P-2", { key: "k" });
    const ended = expect(inVain).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
    patience.abort();
    await ended;
    expect(await parcels()).toEqual(["P-1"]);
  });
});

describe("a dry run", () => {
  const dry = { mode: "dry_run", effects: "once" } as const;

  it("checks and tells what a run would append, and stores nothing", async () => {
    const { append, scope, cancel } = call({ replay: dry });
    expect(await append("P-1", { key: "k" })).toMatchObject({ entity: order, revision: -1, position: "0", duplicate: false });
    await cancel();
    await expect(scope.append(shipped, order, { parcel: 1 }, {}, new AbortController().signal)).rejects.toMatchObject({ code: "DATA_INVALID" });
    expect(scope.asked()).toEqual([
      { type: "order.shipped", entity: order, key: "k", recorded: false },
      { type: "order.cancelled", entity: order, recorded: false },
    ]);
    expect(await stored()).toEqual([]);
  });

  it("gets what an earlier call stored", async () => {
    const first = await call().append("P-1");
    const { append, scope } = call({ replay: dry });
    expect(await append("P-2")).toEqual({ ...first, duplicate: true });
    expect(scope.asked()).toEqual([{ type: "order.shipped", entity: order, recorded: true }]);
  });
});
