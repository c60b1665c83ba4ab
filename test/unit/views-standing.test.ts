/** What waits in lanes that stand still, as figures have it. Where a filter narrows, it is counted lane by lane: both must say the same. */
import { describe, expect, it } from "vitest";
import { about, attemptRecord, deadLettered, makeViewsFixture, progress } from "../support/views-fixture.ts";

const tenant = "default";
const stored = { "order.paid": "0", "order.placed": "0" };
const act = { actor: "ann", reason: "look first" };

async function figures(views: Awaited<ReturnType<ReturnType<typeof makeViewsFixture>["open"]>>) {
  const [kept, counted, everybodys] = await Promise.all([
    views.deadLetterStats({ tenant }),
    views.deadLetterStats({ tenant, entityType: "order" }),
    views.deadLetterStats({ tenant: "*" }),
  ]);
  expect(counted.waiting).toBe(kept.waiting);
  expect(everybodys).toEqual(kept);
  const [{ byStatus, lagSeconds } = { byStatus: {} as Record<string, number>, lagSeconds: 0 }] = await views.handlers(tenant);
  return { waiting: kept.waiting, held: byStatus.held, pending: byStatus.pending, processing: byStatus.processing, lagSeconds };
}

describe("lanes that stand still", () => {
  it("have a call of theirs under way counted as such, and not as the first that waits", async () => {
    const { paid, configure, journal, open, running, clock } = makeViewsFixture();
    await configure("ledger", { stored });
    const [first] = await paid("default.order-1");
    await clock.advance(5000);
    await paid("default.order-1", 2);
    await journal("ledger", { type: "lane.paused", data: { lane: first!.stream, next: 0, at: "0", before: "flowing", act } });
    running.push({ handler: "ledger", stream: first!.stream, revision: 0 });
    const views = await open();
    await clock.advance(2000);
    expect(await figures(views)).toEqual({ waiting: 0, held: 2, pending: 0, processing: 1, lagSeconds: 2 });
    running.length = 0;
    expect(await figures(views)).toEqual({ waiting: 0, held: 3, pending: 0, processing: 0, lagSeconds: 7 });
  });

  it("are counted by a walk where more than a thousand events were before them", async () => {
    const { log, paid, configure, journal, open } = makeViewsFixture();
    await configure("ledger", { stored });
    const [first] = await paid("default.order-1", 1000);
    await paid("default.order-1", 5);
    const [other] = await paid("default.order-2", 3);
    await journal("ledger", deadLettered(first!), deadLettered(other!), progress(other!.position - 1n, [[first!], [other!]]));
    const views = await open();
    expect(await figures(views)).toMatchObject({ waiting: 1006, held: 1006 });
    await paid("default.order-1", 2);
    await paid("default.order-2");
    await views.waitFor(await log.head());
    expect(await figures(views)).toMatchObject({ waiting: 1009, held: 1009 });
    await journal("ledger", { type: "delivery.settled", data: { ...about(first!), outcome: "discarded", cause: null, act, record: null } });
    await views.waitFor(await log.head());
    expect(await figures(views)).toMatchObject({ waiting: 3, held: 3, pending: 1006 });
  });

  it("have nothing behind a dead letter whose replay waits for a retry", async () => {
    const { log, paid, configure, journal, open } = makeViewsFixture();
    await configure("ledger", { stored });
    const [first] = await paid("default.order-1", 3);
    const [other] = await paid("default.order-2", 2);
    await journal("ledger", deadLettered(first!), deadLettered(other!), progress(other!.position - 1n, [[first!], [other!]]));
    const views = await open();
    expect(await figures(views)).toMatchObject({ waiting: 3, held: 3 });
    const record = attemptRecord(4, { replayId: "00000000-0000-4000-8000-000000000001" });
    await journal("ledger", { type: "delivery.failed", data: { ...about(first!), record, retryAt: "2030-01-01T00:00:00.000Z" } });
    await views.waitFor(await log.head());
    expect(await figures(views)).toMatchObject({ waiting: 1, held: 3 });
  });

  it("are counted under the order and the types that their handler has now", async () => {
    const { log, paid, configure, journal, open } = makeViewsFixture();
    await configure("ledger", { stored });
    const [first] = await paid("default.order-1", 3);
    await journal("ledger", deadLettered(first!), progress(first!.position, [[first!]]));
    const views = await open();
    expect(await figures(views)).toMatchObject({ waiting: 2, held: 2 });
    await configure("ledger", { stored, ordering: "relaxed" });
    await views.waitFor(await log.head());
    expect(await figures(views)).toMatchObject({ waiting: 0, held: 0, pending: 2 });
    await configure("ledger", { stored: { "order.placed": "0" } });
    await paid("default.order-1");
    await views.waitFor(await log.head());
    expect(await figures(views)).toMatchObject({ waiting: 0, held: 0, pending: 0 });
    await configure("ledger", { stored });
    await views.waitFor(await log.head());
    expect(await figures(views)).toMatchObject({ waiting: 3, held: 3 });
  });
});
