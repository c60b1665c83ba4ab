import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { isRepriseError } from "../../src/errors.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { deliveryId, newId } from "../../src/event/ids.ts";
import { retentionStream } from "../../src/event/names.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { about, attemptRecord, deadLettered, makeViewsFixture, progress } from "../support/views-fixture.ts";

const tenant = "default";

describe("one event", () => {
  it("shows the envelope, the data as it is today beside what is stored, and its deliveries", async () => {
    const { append, configure, journal, open } = makeViewsFixture();
    await configure("ledger");
    const metadata = {
      priority: "high",
      correlationId: "flow-1",
      causationId: "c-0",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      callChain: ["planner", "shop"],
      contextRefs: [{ kind: "document", ref: "s3://x" }],
      extensions: { region: "eu" },
    } as const;
    const [event] = await append("default.order-7", {
      type: "order.created",
      data: { total: 12.5 },
      source: "shop",
      occurredAt: "2026-01-01T00:00:00Z",
      metadata,
    });
    const first = attemptRecord(1);
    const retry = { ...about(event!), retryAt: "2026-01-01T00:00:02.000Z" };
    await journal("ledger", { type: "delivery.failed", data: { ...retry, record: first } }, progress(0n));
    const views = await open();
    expect(await views.event(tenant, event!.id)).toEqual({
      id: event!.id,
      type: "order.placed",
      entity: { type: "order", id: "7" },
      tenant,
      revision: 0,
      position: String(event!.position),
      source: "shop",
      occurredAt: "2026-01-01T00:00:00Z",
      recordedAt: event!.recordedAt,
      ...metadata,
      schemaVersion: 2,
      data: { totalCents: 1250 },
      dataError: null,
      parts: null,
      dropped: null,
      stored: { type: "order.created", schemaVersion: 1, data: { total: 12.5 } },
      deliveries: [
        {
          deliveryId: deliveryId("ledger", "default.order-7", event!.id),
          handler: "ledger",
          status: "failed",
          attempts: 1,
          retryCount: 1,
          error: { type: "TypeError", message: "cannot read total" },
          nextAttemptAt: retry.retryAt,
          processedAt: null,
          replayId: null,
          history: [first],
          acts: [],
          amendments: [],
          effects: [],
        },
      ],
    });
    expect(await views.event(tenant, newId())).toBeUndefined();
    expect(await views.event("mill", event!.id)).toBeUndefined();
    expect(await views.deliveriesOf(tenant, event!.id)).toMatchObject([{ handler: "ledger", status: "failed", history: [] }]);
    expect(await views.deliveriesOf(tenant, deliveryId("ledger", event!.stream, event!.id))).toMatchObject([{ handler: "ledger" }]);
    expect(await views.deliveriesOf(tenant, newId())).toEqual([]);
  });

  it("says why its data cannot be shown", async () => {
    const { append, open } = makeViewsFixture();
    const [bad, newer, unknown] = await append(
      "default.order-1",
      { type: "order.placed", data: { total: "much" } },
      { type: "order.placed", schemaVersion: 9, data: {} },
      { type: "order.lost", data: {} },
    );
    const views = await open();
    expect(await views.event(tenant, bad!.id)).toMatchObject({
      data: null,
      schemaVersion: 2,
      dataError: expect.stringContaining("order.placed"),
      stored: { data: { total: "much" } },
    });
    expect(await views.event(tenant, newer!.id)).toMatchObject({ data: null, dataError: expect.any(String), stored: { schemaVersion: 9 } });
    expect(await views.event(tenant, unknown!.id)).toMatchObject({ type: "order.lost", data: null, dataError: expect.any(String) });
    const { events } = await views.events({ tenant }, { limit: 10 });
    expect(events.map(({ id }) => id)).toEqual([unknown!.id, newer!.id, bad!.id]);
  });

  it("knows what runs now", async () => {
    const { paid, configure, journal, open, running } = makeViewsFixture();
    await configure("ledger");
    const [first, second] = await paid("default.order-1", 2);
    const [other] = await paid("default.order-2");
    const [done] = await paid("default.order-3");
    await journal("ledger", deadLettered(first!), progress(done!.position, [[first!]]));
    running.push(
      { handler: "ledger", stream: "default.order-1", revision: 0 },
      { handler: "ledger", stream: "default.order-2", revision: 0 },
      { handler: "ledger", stream: "default.order-3", revision: 0 },
      { handler: "ledger", stream: "default.order-99", revision: 0 },
    );
    const views = await open();
    const statuses = await Promise.all([first, second, other, done].map(async (event) => (await views.event(tenant, event!.id))?.deliveries[0]?.status));
    expect(statuses).toEqual(["processing", "held", "completed", "completed"]);
    expect((await views.events({ tenant, status: "processing" }, { limit: 10 })).events.map(({ id }) => id)).toEqual([first!.id]);
    expect((await views.events({ tenant, status: "dead_lettered" }, { limit: 10 })).events).toEqual([]);
    const [ledger] = await views.handlers();
    expect(ledger).toMatchObject({ wanted: 4, done: 2, waiting: 2, lagEvents: 1, byStatus: { processing: 1, held: 1, dead_lettered: 0, completed: 2 } });
    expect((await views.entity(tenant, { type: "order", id: "1" }))?.handlers[0]?.head?.status).toBe("processing");
  });

  it("counts for its tenant alone while its call does not end", async () => {
    const { paid, configure, open, running } = makeViewsFixture();
    await configure("ledger");
    await paid("default.order-1");
    await paid("mill.order-1");
    running.push({ handler: "ledger", stream: "mill.order-1", revision: 0, stuck: true });
    const views = await open();
    const figures = async (of: string) => (await views.handlers(of)).map(({ byStatus, lanes }) => [byStatus.processing, lanes.stuck, lanes.flowing])[0];
    expect(await figures(tenant)).toEqual([0, 0, 1]);
    expect(await figures("mill")).toEqual([1, 1, 0]);
    expect(await figures("*")).toEqual([1, 1, 1]);
  });

  it("went well after a deferral, however its lane attaches, and is told in full", async () => {
    const { paid, configure, journal, open } = makeViewsFixture();
    await configure("ledger");
    const [told, untold] = [...(await paid("default.order-1")), ...(await paid("default.order-2"))];
    for (const event of [told!, untold!])
      await journal("ledger", { type: "delivery.deferred", data: { ...about(event), record: attemptRecord(1), until: "2026-01-01T00:00:02.000Z" } });
    const record = attemptRecord(1, { outcome: "completed", class: null, error: null });
    const attached = [told!, untold!].map(({ stream, position }) => ({ type: "lane.attached", data: { lane: stream, at: position.toString() } }) as const);
    await journal("ledger", ...attached, progress(untold!.position, [], [{ ...about(told!), record }]));
    const views = await open();
    const shown = { status: "completed", attempts: 1, retryCount: 0, error: null, nextAttemptAt: null, processedAt: expect.any(String) };
    expect((await views.event(tenant, told!.id))?.deliveries).toMatchObject([{ ...shown, history: [record, attemptRecord(1)] }]);
    expect((await views.event(tenant, untold!.id))?.deliveries).toMatchObject([{ ...shown, history: [attemptRecord(1)] }]);
  });

  it("keeps the newest 50 attempts", async () => {
    const { paid, configure, journal, open } = makeViewsFixture();
    await configure("ledger");
    const [event] = await paid("default.order-1");
    for (let attempt = 1; attempt <= 60; attempt++)
      await journal("ledger", { type: "delivery.failed", data: { ...about(event!), record: attemptRecord(attempt), retryAt: "2026-01-01T00:00:02.000Z" } });
    const views = await open();
    const delivery = (await views.event(tenant, event!.id))!.deliveries[0]!;
    expect(delivery).toMatchObject({ attempts: 60, retryCount: 60 });
    expect(delivery.history.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 50 }, (_, index) => 60 - index));
  });

  it("keeps an act when the call that is on record with it is no longer among the newest", async () => {
    const { paid, configure, journal, open } = makeViewsFixture();
    await configure("ledger");
    const [event] = await paid("default.order-1");
    await journal("ledger", deadLettered(event!, { attempts: 1, retryCount: 1, record: attemptRecord(1), act: { actor: "ann", reason: "hopeless" } }));
    for (let attempt = 2; attempt <= 60; attempt++)
      await journal("ledger", { type: "delivery.failed", data: { ...about(event!), record: attemptRecord(attempt), retryAt: "2026-01-01T00:00:02.000Z" } });
    const seen = { actor: "bob", reason: "seen" };
    await journal("ledger", { type: "delivery.decided", data: { ...about(event!), decision: "approved", runId: newId(), act: seen } });
    await journal("ledger", { type: "delivery.failed", data: { ...about(event!), record: attemptRecord(61), retryAt: "2026-01-01T00:00:02.000Z" } });
    const delivery = (await (await open()).event(tenant, event!.id))!.deliveries[0]!;
    expect(delivery.history.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 50 }, (_, index) => 61 - index));
    expect(delivery.acts).toMatchObject([
      { what: "approved", actor: "bob" },
      { what: "given_up", actor: "ann", reason: "hopeless", after: "dead_lettered", replayId: null },
    ]);
  });

  it("leaves nothing behind when its event is archived, not even what somebody decided", async () => {
    const { append, paid, configure, journal, open, file } = makeViewsFixture();
    await configure("ledger");
    const [event, next] = await paid("default.order-1", 2);
    const act = { actor: "ann", reason: "by hand" };
    await journal("ledger", deadLettered(event!), {
      type: "delivery.settled",
      data: { ...about(event!), outcome: "discarded", cause: null, act, record: null },
    });
    await journal("ledger", deadLettered(next!));
    const range = { runId: "r", archive: "file:/a", segment: "1", after: "0", through: "9", streams: [[event!.stream, 0, 1]] };
    await append(retentionStream, { type: "retention.archived", data: range });
    const views = await open();
    await views.close();
    const rows = new DatabaseSync(file).prepare("select revision, record is null as no_record, act is null as no_act from delivery_history").all();
    expect(rows.map((row) => ({ ...row }))).toEqual([{ revision: 1, no_record: 0, no_act: 1 }]);
  });

  it("was completed when the record that passed it was written, also in a lane that was held", async () => {
    const { paid, configure, journal, open, clock } = makeViewsFixture();
    await configure("ledger");
    const held = await paid("default.order-1", 3);
    const [free] = await paid("default.order-2");
    await clock.advance(5000);
    const [, passed] = await journal("ledger", deadLettered(held[0]!), progress(free!.position, [[held[0]!], [free!]]));
    await clock.advance(60_000);
    const settled = { ...about(held[0]!), outcome: "discarded", cause: null, act: { actor: "ann", reason: "by hand" }, record: null } as const;
    const [discarded] = await journal("ledger", { type: "delivery.settled", data: settled });
    await clock.advance(30_000);
    const [released] = await journal("ledger", progress(free!.position, [[held[1]!]]));
    await clock.advance(2000);
    const [last] = await journal("ledger", progress(free!.position, [[held[2]!]]));
    const views = await open();
    const times = await Promise.all([...held, free!].map(async (event) => (await views.event(tenant, event.id))?.deliveries[0]?.processedAt));
    expect(times).toEqual([discarded, released, last, passed].map((event) => event!.recordedAt));
  });

  it("has one final outcome: what comes later changes nothing", async () => {
    const { paid, configure, journal, open } = makeViewsFixture();
    await configure("ledger");
    const [event] = await paid("default.order-1", 2);
    const settled = { ...about(event!), cause: null, act: { actor: "ann", reason: "by hand" }, record: null } as const;
    await journal("ledger", deadLettered(event!), { type: "delivery.settled", data: { ...settled, outcome: "discarded" } });
    await journal(
      "ledger",
      { type: "delivery.settled", data: { ...settled, outcome: "skipped" } },
      deadLettered(event!),
      progress(event!.position, [[event!]]),
    );
    const views = await open();
    expect((await views.event(tenant, event!.id))?.deliveries).toMatchObject([{ status: "discarded" }]);
    expect(await views.findDeadLetters(tenant, event!.id)).toEqual([]);
  });
});

describe("events", () => {
  it("are found by each filter, newest first, page by page", async () => {
    const { append, configure, journal, open, clock, log } = makeViewsFixture();
    await configure("ledger", { types: { "order.paid": "0" } });
    await configure("mailer", { types: { "order.placed": "0" } });
    const metadata = { priority: "normal", correlationId: "flow-1" } as const;
    const all = [
      ...(await append("default.order-1", { type: "order.paid", data: { total: 1 }, source: "shop" }, { type: "order.created", data: { total: 1 }, metadata })),
      ...(await append("default.cart-1", { type: "order.placed", schemaVersion: 2, data: { totalCents: 1 }, source: "agent" })),
      ...(await append("mill.order-1", { type: "order.paid", data: { total: 1 }, metadata })),
    ];
    await clock.advance(90_000);
    const afterMs = clock.now();
    all.push(...(await append("default.order-1", { type: "order.paid", data: { total: 2 }, source: "shop", metadata })));
    await journal("ledger", deadLettered(all[0]!), progress(await log.head(), [[all[0]!]]));
    const views = await open();
    const find = async (filter: Omit<Parameters<typeof views.events>[0], "tenant">, of = tenant) => {
      const found: number[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const page: Awaited<ReturnType<typeof views.events>> = await views.events(
          { tenant: of, ...filter },
          { limit: 1, ...(cursor === undefined ? {} : { cursor }) },
        );
        found.push(...page.events.map(({ id }) => all.findIndex((event) => event.id === id)));
        cursor = page.nextCursor;
      }
      return found;
    };
    expect(await find({})).toEqual([4, 2, 1, 0]);
    expect(await find({}, "mill")).toEqual([3]);
    expect(await find({}, "nobody")).toEqual([]);
    expect(await find({ eventType: "order.placed" })).toEqual([2, 1]);
    expect(await find({ eventType: "order.created" })).toEqual([2, 1]);
    expect(await find({ eventType: "order.never" })).toEqual([]);
    expect(await find({ source: "shop" })).toEqual([4, 0]);
    expect(await find({ entityType: "cart" })).toEqual([2]);
    expect(await find({ entityId: "1" })).toEqual([4, 2, 1, 0]);
    expect(await find({ entityType: "order", entityId: "1" })).toEqual([4, 1, 0]);
    expect(await find({ entityId: "2" })).toEqual([]);
    expect(await find({ correlationId: "flow-1" })).toEqual([4, 1]);
    expect(await find({ sinceMs: afterMs })).toEqual([4]);
    expect(await find({ sinceMs: afterMs + 1 })).toEqual([]);
    expect(await find({ untilMs: afterMs })).toEqual([2, 1, 0]);
    expect(await find({ untilMs: afterMs - 60_000 })).toEqual([2, 1, 0]);
    expect(await find({ sinceMs: 0, untilMs: 1 })).toEqual([]);
    expect(await find({ handler: "ledger" })).toEqual([4, 0]);
    expect(await find({ handler: "nobody" })).toEqual([]);
    expect(await find({ status: "dead_lettered" })).toEqual([0]);
    expect(await find({ status: "held", handler: "ledger", source: "shop" })).toEqual([4]);
    expect(await find({ status: "held", handler: "mailer" })).toEqual([]);
    expect(await find({ status: "pending" })).toEqual([2, 1]);
    expect(await find({ status: "completed" })).toEqual([]);
    expect(await find({ status: "dead_lettered", entityType: "cart" })).toEqual([]);
  });

  it.each(["", "x", "bm8", "W10", "WyJhIl0", "WzEuNV0", "WzEsMl0"])("refuse the cursor %j", async (cursor) => {
    const views = await makeViewsFixture().open();
    for (const list of [
      () => views.events({ tenant }, { limit: 5, cursor }),
      () => views.entities({ tenant }, { limit: 5, cursor }),
      () => views.deadLetters({ tenant }, { limit: 5, cursor }),
    ]) {
      const error = await list().catch((reason: unknown) => reason);
      expect(isRepriseError(error, "REQUEST_INVALID")).toBe(true);
    }
  });

  it("of a rare status are looked for page by page, and not all at once", async () => {
    const { paid, configure, open } = makeViewsFixture();
    for (let i = 0; i < 51; i++) await paid("default.order-1", 1000);
    await configure("ledger", { types: { "order.paid": "0" } });
    const views = await open();
    const first = await views.events({ tenant, status: "completed" }, { limit: 10 });
    expect(first.events).toEqual([]);
    expect(first.nextCursor).not.toBeNull();
    expect(await views.events({ tenant, status: "completed" }, { limit: 10, cursor: first.nextCursor! })).toEqual({ events: [], nextCursor: null });
  }, 30_000);
});

describe("dead letters", () => {
  async function aBacklog() {
    const fixture = makeViewsFixture();
    const { configure, paid, append, journal, log, clock } = fixture;
    await configure("ledger");
    await configure("mailer", { ordering: "relaxed" });
    const one = await paid("default.order-1", 15, { source: "shop" });
    const two = await append("default.cart-2", { type: "order.created", data: { total: 3 } }, { type: "order.paid", data: { total: 3 } });
    await clock.advance(1000);
    await journal("ledger", deadLettered(one[0]!), progress(await log.head(), [[one[0]!]]));
    const replayId = newId();
    await clock.advance(1000);
    const terminal = { cause: "terminal", error: { type: "Terminal", message: "no address" }, escalated: true, attempts: 1, retryCount: 1 } as const;
    await journal("ledger", deadLettered(two[0]!, { ...terminal, replayId }));
    const [last] = await journal("mailer", deadLettered(one[0]!), progress(await log.head(), [[one[14]!]]));
    return { ...fixture, one, two, replayId, last: last! };
  }

  it("show the event and what it holds", async () => {
    const { open, one, two, last } = await aBacklog();
    const views = await open();
    const { events, total, nextCursor } = await views.deadLetters({ tenant }, { limit: 50 });
    expect({ total, nextCursor }).toEqual({ total: 3, nextCursor: null });
    expect(events.map(({ id, handler, waiting, status }) => [id, handler, waiting, status])).toEqual([
      [two[0]!.id, "ledger", 1, "escalated"],
      [one[0]!.id, "mailer", 0, "dead_lettered"],
      [one[0]!.id, "ledger", 14, "dead_lettered"],
    ]);
    expect(events[0]).toMatchObject({ eventType: "order.placed", schemaVersion: 2, storedSchemaVersion: 1, data: { totalCents: 300 }, cause: "terminal" });
    expect(events[1]).toMatchObject({ firstFailedAt: last.recordedAt, deadLetteredAt: last.recordedAt, createdAt: one[0]!.recordedAt });
    const bare = await views.deadLetters({ tenant }, { limit: 50, data: false });
    expect(bare.events[0]).toMatchObject({ schemaVersion: 2, storedSchemaVersion: 1, data: null, dataError: null });

    const found = await views.findDeadLetters(tenant, one[0]!.id);
    expect(found.map(({ handler }) => handler)).toEqual(["ledger", "mailer"]);
    expect(found[0]).toMatchObject({ stored: { type: "order.paid", data: { total: 0 } }, steps: [], history: [attemptRecord(3)] });
    expect(found[0]!.waitingEvents).toEqual(one.slice(1, 11).map(({ id, type, revision, recordedAt }) => ({ id, type, revision, recordedAt })));
    expect((await views.findDeadLetters(tenant, two[0]!.id))[0]?.steps).toMatchObject([{ from: 1, to: 2, data: { totalCents: 300 } }]);
    expect(await views.findDeadLetters("mill", one[0]!.id)).toEqual([]);
  });

  it("are found by each filter", async () => {
    const { open, replayId, last, clock } = await aBacklog();
    const views = await open();
    const count = async (filter: Omit<Parameters<typeof views.deadLetters>[0], "tenant">, of = tenant) => {
      const { events, total } = await views.deadLetters({ tenant: of, ...filter }, { limit: 50 });
      expect(await views.oldestDeadLetters({ tenant: of, ...filter }, 50)).toHaveLength(total);
      expect((await views.deadLetterStats({ tenant: of, ...filter })).total).toBe(total);
      expect(events).toHaveLength(total);
      return total;
    };
    expect(await count({}, "mill")).toBe(0);
    expect(await count({ eventType: "order.placed" })).toBe(1);
    expect(await count({ eventType: "order.paid" })).toBe(2);
    expect(await count({ source: "shop" })).toBe(2);
    expect(await count({ handler: "mailer" })).toBe(1);
    expect(await count({ entityType: "cart" })).toBe(1);
    expect(await count({ entityType: "order", entityId: "1" })).toBe(2);
    expect(await count({ entityId: "nobody" })).toBe(0);
    expect(await count({ error: "Terminal" })).toBe(1);
    expect(await count({ error: "Terminal: no address" })).toBe(1);
    expect(await count({ error: "Terminal: no" })).toBe(0);
    expect(await count({ cause: "exhausted" })).toBe(2);
    expect(await count({ replayId })).toBe(1);
    expect(await count({ sinceMs: clock.now() })).toBe(2);
    expect(await count({ untilMs: Date.parse(last.recordedAt) })).toBe(1);
    const byOffset = await views.deadLetters({ tenant }, { limit: 1, offset: 2 });
    expect(byOffset).toMatchObject({ total: 3, nextCursor: null, events: [{ handler: "ledger", waiting: 14 }] });
    expect(isRepriseError(await views.deadLetters({ tenant }, { limit: 1, offset: 10_001 }).catch((error: unknown) => error), "REQUEST_INVALID")).toBe(true);
  });

  it("are summed up", async () => {
    const { open } = await aBacklog();
    const views = await open();
    const oldest = (await views.deadLetters({ tenant }, { limit: 50 })).events.map(({ deadLetteredAt }) => deadLetteredAt).sort()[0];
    expect(await views.deadLetterStats({ tenant })).toEqual({
      leftOut: { errors: { kinds: 0, count: 0 }, sources: { kinds: 0, count: 0 } },
      total: 3,
      waiting: 15,
      oldestAt: oldest,
      byEventType: [
        { eventType: "order.paid", count: 2 },
        { eventType: "order.placed", count: 1 },
      ],
      byHandler: [
        { handler: "ledger", count: 2 },
        { handler: "mailer", count: 1 },
      ],
      bySource: [
        { source: "shop", count: 2 },
        { source: null, count: 1 },
      ],
      topErrors: [
        { error: "TypeError: cannot read total", count: 2 },
        { error: "Terminal: no address", count: 1 },
      ],
    });
    expect(await views.deadLetterStats({ tenant: "mill" })).toMatchObject({ total: 0, waiting: 0, oldestAt: null, topErrors: [] });
  });

  it("hold what has no trouble of its own, counted alike one by one and in sum, also where their handler was relaxed before", async () => {
    const { configure, paid, journal, log, open } = makeViewsFixture();
    await configure("ledger", { ordering: "relaxed" });
    const [dead, waits, ...others] = await paid("default.order-1", 6);
    await paid("default.order-2", 2);
    const failed: JournalEvent = {
      type: "delivery.failed",
      data: { ...about(waits!), record: attemptRecord(1), retryAt: "2026-01-01T00:00:02.000Z" },
    };
    await journal("ledger", deadLettered(dead!), failed, progress(0n, [[dead!]]));
    const views = await open();
    expect(await views.deadLetterStats({ tenant })).toMatchObject({ total: 1, waiting: 0 });
    await configure("ledger", { ordering: "strict" });
    await views.waitFor(await log.head());
    const [letter] = await views.findDeadLetters(tenant, dead!.id);
    expect(letter!.waiting).toBe(others.length);
    expect(await views.deadLetterStats({ tenant })).toMatchObject({ total: 1, waiting: others.length });
  });

  it("outlive their event", async () => {
    const { open, one, two, log, file } = await aBacklog();
    const views = await open();
    await log.truncate("default.order-1", 15);
    const removed = { id: one[0]!.id, data: null, dataError: "event removed from the log" };
    expect((await views.deadLetters({ tenant }, { limit: 50 })).events).toMatchObject([{ id: two[0]!.id, dataError: null }, removed, removed]);
    expect(await views.findDeadLetters(tenant, one[0]!.id)).toMatchObject([
      { ...removed, stored: null, steps: [] },
      { ...removed, stored: null, steps: [] },
    ]);
    await views.close();
    new DatabaseSync(file).exec("pragma user_version = 0");
    const anew = await open();
    expect(await anew.findDeadLetters(tenant, one[0]!.id)).toMatchObject([{ ...removed, entity: { type: "order", id: "1" }, revision: 0 }, removed]);
    expect(await anew.entity(tenant, { type: "order", id: "1" })).toBeUndefined();
    expect((await anew.handlers())[0]).toMatchObject({ wanted: 2, done: 0, waiting: 2 });
  });
});

describe("a replay", () => {
  const requested = { kind: "batch", actor: "ann", reason: "fixed", ratePerSecond: 5, total: 3, filter: null } as const;

  it("is followed item by item, and reports what its end says", async () => {
    const { configure, paid, journal, replay, open, log, clock } = makeViewsFixture();
    await configure("ledger", { ordering: "relaxed" });
    const [one, two, three] = await paid("default.order-1", 3);
    await journal("ledger", deadLettered(one!), deadLettered(two!), deadLettered(three!), progress(three!.position, [[three!]]));
    const views = await open();
    const replayId = newId();
    expect(await views.replay(tenant, replayId)).toBeUndefined();
    const [started] = await replay(replayId, "replay.requested", { replayId, ...requested });
    const settled = { ...about(one!), outcome: "replayed", cause: null, act: { actor: "ann", reason: "fixed", replayId }, record: attemptRecord(4) } as const;
    await journal("ledger", { type: "delivery.settled", data: settled }, deadLettered(two!, { replayId, attempts: 4, retryCount: 1 }));
    await views.waitFor(await log.head());
    const counts = { succeeded: 1, failed: 1, skipped: 0, remaining: 1, skips: [], endedAt: null, why: null, newSince: null, cutoff: null };
    const terms = { mode: "run", effects: "once", canary: null, stopWhen: null, targetHandler: null };
    const running = { ...requested, replayId, tenant, planId: null, status: "running", ...counts, ...terms };
    const { filter: _, ...shown } = { ...running, createdAt: started!.recordedAt, startedAt: started!.recordedAt };
    expect(await views.replay(tenant, replayId)).toEqual(shown);
    expect(await views.openReplays()).toEqual([{ tenant, replayId, planId: null }]);
    expect(await views.replays(tenant, { limit: 1 })).toEqual({ replays: [shown], nextCursor: null });
    expect(await views.replayOutcomes("mill", replayId)).toEqual(new Map());
    expect(await views.replayOutcome("mill", replayId, { handler: "ledger", stream: one!.stream, revision: 0 })).toBeUndefined();
    expect(await views.replayOutcome(tenant, replayId, { handler: "ledger", stream: one!.stream, revision: 0 })).toBe("replayed");
    expect(await views.replayOutcomes(tenant, replayId)).toEqual(
      new Map([
        ["ledger\ndefault.order-1\n0", "replayed"],
        ["ledger\ndefault.order-1\n1", "dead_lettered"],
      ]),
    );
    expect((await views.event(tenant, one!.id))?.deliveries).toMatchObject([{ status: "replayed", attempts: 4, replayId, error: null }]);
    expect((await views.deadLetters({ tenant, replayId }, { limit: 5 })).events).toMatchObject([{ id: two!.id, attempts: 4, retryCount: 1 }]);

    await clock.advance(1000);
    const skips = [{ reason: "it changed", count: 1 }];
    const [ended] = await replay(replayId, "replay.ended", { status: "completed", succeeded: 1, failed: 1, skipped: 1, skips });
    await views.waitFor(await log.head());
    expect(await views.replay(tenant, replayId)).toEqual({ ...shown, status: "completed", skipped: 1, remaining: 0, skips, endedAt: ended!.recordedAt });
    expect(await views.openReplays()).toEqual([]);
  });

  it.each(["partition.claimed", "replay.stopped", "replay.ended"] as const)("that waits for a retry hides its dead letter until %s", async (end) => {
    const { configure, paid, journal, replay, open, log } = makeViewsFixture();
    await configure("ledger");
    const [event] = await paid("default.order-1", 2);
    await journal("ledger", deadLettered(event!, { escalated: true }), progress(event!.position, [[event!]]));
    const replayId = newId();
    await replay(replayId, "replay.requested", { replayId, ...requested });
    const retryAt = "2026-01-01T00:00:09.000Z";
    for (const attempt of [4, 5])
      await journal("ledger", { type: "delivery.failed", data: { ...about(event!), record: attemptRecord(attempt, { replayId }), retryAt } });
    const views = await open();
    const shown = { status: "failed", replayId, attempts: 5, retryCount: 2, nextAttemptAt: retryAt };
    expect(await views.deliveriesOf(tenant, event!.id)).toMatchObject([shown]);
    expect((await views.deadLetters({ tenant }, { limit: 5 })).total).toBe(0);
    expect((await views.entity(tenant, { type: "order", id: "1" }))?.handlers).toMatchObject([
      { laneState: "blocked", waiting: 2, head: { status: "failed" } },
    ]);
    if (end === "partition.claimed") await journal("ledger", { type: end, data: { owner: "o", build: "b", catalog: "c", readAhead: 1 } });
    else if (end === "replay.stopped") await journal("ledger", { type: end, data: { replayId } });
    else await replay(replayId, end, { status: "stopped", succeeded: 0, failed: 0, skipped: 3, skips: [] });
    await views.waitFor(await log.head());
    expect(await views.deliveriesOf(tenant, event!.id)).toMatchObject([{ status: "escalated", replayId, attempts: 5, nextAttemptAt: null }]);
    expect((await views.deadLetters({ tenant }, { limit: 5 })).total).toBe(1);
  });
});

describe("handlers and lanes", () => {
  it("count from the position since when a type is wanted", async () => {
    const { configure, paid, append, open, log, clock } = makeViewsFixture();
    await paid("default.order-1", 3);
    const since = await log.head();
    await configure("ledger", { types: { "order.paid": since.toString(), "order.gone": "0" } });
    await configure("stats", { types: { "order.placed": "0" } });
    await append("reprise.handler-stats", { type: "handler.paused", data: { why: "410", act: { actor: "policy", reason: null } } });
    const [event] = await paid("default.order-1");
    await clock.advance(7500);
    const views = await open();
    expect(await views.handlers()).toMatchObject([
      { name: "ledger", state: "running", wanted: 1, done: 0, waiting: 1, lagEvents: 1, lagSeconds: 7, byStatus: { pending: 1 }, lanes: { flowing: 1 } },
      { name: "stats", state: "paused", wanted: 0, done: 0, waiting: 0, lagEvents: 0, lagSeconds: 0, lanes: { flowing: 0 } },
    ]);
    expect((await views.entity(tenant, { type: "order", id: "1" }))?.handlers).toEqual([
      {
        handler: "ledger",
        laneState: "flowing",
        why: null,
        nextRevision: 3,
        waiting: 1,
        head: { eventId: event!.id, revision: 3, status: "pending", error: null, nextAttemptAt: null },
      },
    ]);
    await append("reprise.handler-stats", { type: "handler.resumed", data: { act: { actor: "ann", reason: null } } });
    await configure("ledger", { types: { "order.paid": "0" }, ordering: "relaxed" });
    await views.waitFor(await log.head());
    expect(await views.handlers()).toMatchObject([
      { name: "ledger", ordering: "relaxed", wanted: 4, waiting: 4 },
      { name: "stats", state: "running" },
    ]);
  });

  it("know what a lane did that was attached with a dead letter, when a replay detaches it again", async () => {
    const { configure, paid, journal, open } = makeViewsFixture();
    await configure("mailer", { ordering: "relaxed" });
    const [letter, second, third] = await paid("default.order-1", 3);
    await journal("mailer", deadLettered(letter!), progress(third!.position, [[letter!]]));
    await journal("mailer", { type: "lane.attached", data: { lane: third!.stream, at: third!.position.toString() } }, progress(third!.position, [[third!]]));
    await journal("mailer", deadLettered(letter!, { replayId: newId(), attempts: 4 }), progress(third!.position));
    const views = await open();
    const statuses = await Promise.all([letter, second, third].map(async (event) => (await views.event(tenant, event!.id))?.deliveries[0]?.status));
    expect(statuses).toEqual(["dead_lettered", "completed", "completed"]);
    expect((await views.handlers())[0]).toMatchObject({ wanted: 3, done: 2, waiting: 1, lanes: { behind: 1 } });
  });

  it("say why a lane does not flow", async () => {
    const { configure, paid, journal, open, log } = makeViewsFixture();
    await configure("ledger");
    const [letter] = await paid("default.order-1", 2);
    const [failing] = await paid("default.order-2", 2);
    const [newer] = await paid("default.order-3", 2);
    const [slow] = await paid("default.order-4", 2);
    const [done] = await paid("default.order-5");
    const [paused, resumed] = [(await paid("default.order-6", 2))[0]!, (await paid("default.order-7", 2))[0]!];
    const act = { actor: "ann", reason: "look first" };
    const retryAt = "2026-01-01T00:01:00.000Z";
    await journal(
      "ledger",
      deadLettered(letter!),
      { type: "delivery.failed", data: { ...about(failing!), record: attemptRecord(1), retryAt } },
      { type: "lane.detached", data: { lane: newer!.stream, next: 0, at: "0", why: "newer_build" } },
      { type: "lane.paused", data: { lane: paused.stream, next: 1, at: paused.position.toString(), before: "flowing", act } },
      { type: "lane.paused", data: { lane: resumed.stream, next: 0, at: "0", before: "flowing", act: { actor: "ann", reason: null } } },
      { type: "lane.resumed", data: { lane: resumed.stream, act } },
      { type: "lane.detached", data: { lane: slow!.stream, next: 1, at: slow!.position.toString(), why: "slow" } },
      progress(await log.head(), [[letter!], [slow!], [done!]]),
    );
    const views = await open();
    const shown = (await views.entities({ tenant }, { limit: 10 })).entities.map(({ handlers: [lane] }) => lane);
    expect(shown).toMatchObject([
      {
        laneState: "blocked",
        why: "revision 0 is dead-lettered: TypeError: cannot read total",
        nextRevision: 1,
        waiting: 2,
        head: { revision: 0, status: "dead_lettered" },
      },
      {
        laneState: "backing_off",
        why: `revision 0 failed and is tried again at ${retryAt}`,
        nextRevision: 0,
        waiting: 2,
        head: { status: "failed", nextAttemptAt: retryAt },
      },
      { laneState: "blocked", why: "revision 0 is of a schema version newer than this build knows", waiting: 2, head: { status: "held" } },
      { laneState: "behind", why: "the lane catches up from its own stream", nextRevision: 1, waiting: 1, head: { revision: 1, status: "pending" } },
      { laneState: "flowing", why: null, nextRevision: 1, waiting: 0, head: null },
      { laneState: "paused", why: "paused by ann: look first", nextRevision: 1, waiting: 1, head: { revision: 1, status: "held" } },
      { laneState: "behind", nextRevision: 0, waiting: 2, head: { revision: 0, status: "pending" } },
    ]);
    expect((await views.handlers())[0]).toMatchObject({
      lanes: { flowing: 1, backing_off: 1, blocked: 2, paused: 1, behind: 2 },
      byStatus: { held: 4, pending: 4, failed: 1, dead_lettered: 1, completed: 3 },
    });
    await journal("ledger", { type: "lane.retried", data: { lane: failing!.stream, act } });
    await views.waitFor(await log.head());
    expect((await views.entity(tenant, { type: "order", id: "2" }))?.handlers).toMatchObject([
      { laneState: "behind", head: { status: "failed", nextAttemptAt: "2026-01-01T00:00:00.000Z" } },
    ]);
    const ids = async (filter: Omit<Parameters<typeof views.entities>[0], "tenant">) =>
      (await views.entities({ tenant, ...filter }, { limit: 10 })).entities.map(({ entity }) => entity.id);
    expect(await ids({ laneState: "blocked" })).toEqual(["1", "3"]);
    expect(await ids({ laneState: "flowing", handler: "ledger" })).toEqual(["5"]);
    expect(await ids({ laneState: "paused" })).toEqual(["6"]);
    expect(await ids({ handler: "nobody" })).toEqual([]);
    expect(await ids({ entityType: "cart" })).toEqual([]);
    await journal("ledger", { type: "partition.claimed", data: { owner: "o", build: "b2", catalog: "c2", readAhead: 1 } });
    await views.waitFor(await log.head());
    expect(await ids({ laneState: "blocked" })).toEqual(["1"]);
  });
});

it("finds the events of entities with hundreds of them", async () => {
  const { configure, paid, append, journal, open, log, running } = makeViewsFixture();
  await configure("ledger");
  const streams = ["default.order-1", "default.cart-1", "default.order-2"];
  const all: StoredEvent[] = [];
  const add = async (turns: number) => {
    for (let turn = 0; turn < turns; turn++)
      for (const [index, stream] of streams.entries()) {
        all.push(...(await paid(stream, 1 + ((turn + index) % 3))));
        if (turn % 10 === 0) all.push(...(await append(stream, { type: "order.noted", data: {} })));
      }
  };
  await add(60);
  const views = await open();
  await add(60); // now from what is kept of each entity
  const of = (stream: string) => all.filter((event) => event.stream === stream);
  const [one, two] = [of("default.order-1"), of("default.order-2")];
  expect(one.length).toBeGreaterThan(200);
  const dead = one[70]!;
  await journal(
    "ledger",
    deadLettered(dead),
    { type: "lane.gap", data: { lane: "default.order-2", from: 100, to: 140, why: "missing" } },
    progress(dead.position - 1n, [[dead], [two[140]!]]),
  );
  await views.waitFor(await log.head());
  const places = [0, 1, 62, 63, 64, 65, 127, 128, 129, one.length - 1];
  for (const revision of places) for (const stream of streams) running.push({ handler: "ledger", stream, revision });
  const wanted = all.filter(({ type }) => type === "order.paid");
  const isPassed = ({ stream, position, revision }: StoredEvent) =>
    position < dead.position || (stream === dead.stream && revision <= 70) || (stream === "default.order-2" && revision <= 140);
  const runs = ({ revision }: StoredEvent) => places.includes(revision);

  const check = async () => {
    const listed = async (filter: Omit<Parameters<typeof views.events>[0], "tenant">, limit = 37) => {
      const ids: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await views.events({ tenant, ...filter }, { limit, ...(cursor === undefined ? {} : { cursor }) });
        ids.push(...page.events.map(({ id }) => id));
        if (page.nextCursor === null) return ids;
        cursor = page.nextCursor;
      }
    };
    const newest = (events: readonly StoredEvent[]) => events.toReversed().map(({ id }) => id);
    expect(await listed({ entityType: "order", entityId: "1" })).toEqual(newest(one));
    expect(await listed({ entityType: "order", entityId: "1" }, 1)).toEqual(newest(one));
    expect(await listed({ entityId: "1" })).toEqual(newest(all.filter(({ entity }) => entity.id === "1")));
    expect(await listed({ entityId: "1", eventType: "order.noted" })).toEqual(
      newest(all.filter(({ entity, type }) => entity.id === "1" && type === "order.noted")),
    );
    expect(await listed({ entityType: "order", entityId: "2", status: "held" })).toEqual([]);
    expect(new Set(await listed({ entityType: "order", entityId: "1", status: "held" }))).toEqual(
      new Set(newest(wanted.filter((event) => event.stream === dead.stream && event.revision > 70 && !runs(event)))),
    );
    expect(await listed({ status: "processing" })).toEqual(newest(wanted.filter((event) => !isPassed(event) && runs(event))));
    expect(await listed({ status: "skipped" })).toEqual(
      newest(two.filter((event) => event.type === "order.paid" && event.revision >= 100 && event.revision <= 140)),
    );
    for (const { stream, entity } of [one[0]!, two[0]!, of("default.cart-1")[0]!]) {
      const filter = { tenant, handler: "ledger", types: ["order.paid"], entityType: entity.type, entityId: entity.id };
      const history = (await views.history(filter, 1000)).map(({ eventId }) => eventId);
      expect(history).toEqual(wanted.filter((event) => event.stream === stream).map(({ id }) => id));
      const range = { fromPosition: wanted[100]!.position, toPosition: wanted[300]!.position };
      expect((await views.history({ ...filter, ...range }, 20)).map(({ position }) => BigInt(position))).toEqual(
        wanted
          .filter((event) => event.stream === stream && event.position >= range.fromPosition && event.position <= range.toPosition)
          .slice(0, 20)
          .map(({ position }) => position),
      );
    }
    const [handler] = await views.handlers();
    const open = wanted.filter((event) => !isPassed(event));
    expect(handler!.byStatus).toMatchObject({
      processing: open.filter(runs).length,
      held: open.filter((event) => event.stream === dead.stream && !runs(event)).length,
      pending: open.filter((event) => event.stream !== dead.stream && !runs(event)).length,
      skipped: two.slice(100, 141).filter(({ type }) => type === "order.paid").length,
      dead_lettered: 1,
    });
    const ofLane = wanted.filter((event) => event.stream === dead.stream && event.revision > 70);
    expect(await views.heldLanes([{ handler: "ledger", stream: dead.stream }])).toEqual([
      { held: ofLane.length, through: ofLane.at(-1)!.revision, letters: [70], ordering: "strict" },
    ]);
    expect((await views.entity(tenant, dead.entity))?.handlers).toMatchObject([{ laneState: "blocked", waiting: ofLane.length + 1, head: { revision: 70 } }]);
  };
  await check();
  await views.rebuild();
  await check();
});

it("counts what is stored of each type and version, by tenant and in all", async () => {
  const { append, open } = makeViewsFixture();
  const old = { type: "order.created", data: { total: 1 } };
  const today = { type: "order.placed", schemaVersion: 2, data: { totalCents: 100 } };
  for (const [stream, ...events] of [
    ["default.order-1", old, old, today],
    ["default.order-2", today],
    ["acme.order-1", old, today, today],
  ] as const)
    for (const event of events) await append(stream, event);
  const views = await open();
  const both = (created: number, placed: number) => [
    { type: "order.created", version: 1, events: created },
    { type: "order.placed", version: 2, events: placed },
  ];
  expect(views.storedVersions("default")).toEqual(both(2, 2));
  expect(views.storedVersions("acme")).toEqual(both(1, 2));
  expect(views.storedVersions("*")).toEqual(both(3, 4));
  expect(views.storedVersions("nobody")).toEqual([]);
});

it("counts what happened in each minute of the last hour, by tenant and in all", async () => {
  const { append, configure, journal, open } = makeViewsFixture();
  await configure("ledger");
  const order = { type: "order.created", data: { total: 1 } };
  const [event] = await append("default.order-1", order, order);
  const [other] = await append("acme.order-1", order);
  const retry = { ...about(event!), record: attemptRecord(1), retryAt: "2026-01-01T00:00:02.000Z" };
  await journal("ledger", { type: "delivery.failed", data: retry }, progress(0n));
  await journal("ledger", deadLettered(other!), progress(0n));
  const views = await open();
  const sums = (tenant: string) =>
    views
      .lastHour(tenant)
      .reduce((sum, minute) => [sum[0] + minute.events, sum[1] + minute.failures, sum[2] + minute.deadLetters] as const, [0, 0, 0] as readonly [
        number,
        number,
        number,
      ]);
  expect(views.lastHour("default")).toHaveLength(60);
  expect(sums("default")).toEqual([2, 1, 0]);
  expect(sums("acme")).toEqual([1, 1, 1]);
  expect(sums("*")).toEqual([3, 2, 1]);
  expect(sums("nobody")).toEqual([0, 0, 0]);
});
