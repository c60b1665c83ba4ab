import { describe, expect, it } from "vitest";
import { deliveryId } from "../../src/event/ids.ts";
import { toSelection } from "../../src/replay/selection.ts";
import { openScene, overlaps, replayWith, runTerms, until } from "../support/replay-scene.ts";

const stream = "default.thing-busy";
const history = (more: object = {}) => toSelection({ history: { handler: "main", entityType: "thing", entityId: "busy", ...more } });

describe("a replay of history", () => {
  it("of a busy entity borrows its lane while live events arrive: order kept, none lost, none twice", { timeout: 60_000 }, async () => {
    const { store, seen, append, quiet, replayed } = await openScene({ work: () => new Promise((resolve) => setTimeout(resolve, 1)) });
    await append(...Array.from({ length: 200 }, () => ["busy"] as const), ["other"]);
    await quiet({ waiting: 0, done: 201 });
    const lanesBefore = await store.views.entity("default", { type: "thing", id: "busy" });
    seen.length = 0;
    const plan = await store.planReplay(history());
    expect(plan).toMatchObject({ deliveries: 200, deadLetters: 0, releases: 0, entities: 1, ineligible: [] });
    const { replayId } = await store.startReplay(plan.planId, { reason: "what the new code does", terms: { ...runTerms, effects: "again" } });
    for (let round = 0; round < 10; round++) {
      await append(...Array.from({ length: 10 }, () => ["busy"] as const), ["other"]);
      await until(() => seen.length > round * 15);
    }
    expect(await replayWith(store, replayId, "completed")).toMatchObject({
      kind: "history",
      total: 200,
      succeeded: 200,
      failed: 0,
      skipped: 0,
      effects: "again",
    });
    await quiet({ waiting: 0, done: 201 + 110, byStatus: { completed: 311 } });
    expect(overlaps(seen)).toEqual([]);
    const mine = replayed(replayId);
    expect(mine.map(({ revision }) => revision)).toEqual(Array.from({ length: 200 }, (_, revision) => revision));
    for (const call of mine) expect(call.deliveryId).toBe(deliveryId("main", stream, call.id, replayId));
    const live = seen.filter(({ entity, replay }) => entity === "busy" && replay === null);
    expect(live.map(({ revision }) => revision)).toEqual(Array.from({ length: 100 }, (_, index) => 200 + index));
    // They queued behind it, and so did nobody else's.
    expect(seen.filter(({ entity }) => entity === "busy").map(({ replay }) => replay !== null)).toEqual([...mine.map(() => true), ...live.map(() => false)]);
    expect(seen.findIndex(({ entity }) => entity === "other")).toBeLessThan(seen.indexOf(mine.at(-1)!));
    expect(await store.views.entity("default", { type: "thing", id: "busy" })).toEqual({
      ...lanesBefore,
      revision: 299,
      lastEventAt: expect.any(String),
      handlers: [{ ...lanesBefore!.handlers[0], nextRevision: 300 }],
    });
    const { items } = await store.replayReport(replayId, { limit: 2 });
    expect(items).toMatchObject([
      { revision: 0, outcome: "succeeded", attempts: 1, differences: [{ path: "/label", before: undefined, after: "thing 1" }] },
      { revision: 1, outcome: "succeeded" },
    ]);
  });

  it("ends an entity whose event fails, after its retries, and no other", async () => {
    let broken = false;
    const { store, seen, append, quiet } = await openScene({
      retry: { maxAttempts: 3, initialDelayMs: 1 },
      work: ({ entity, revision }) => {
        if (broken && entity === "a" && revision === 1) throw new Error("again");
      },
    });
    await append(["a"], ["b"], ["a"], ["a"], ["b"], ["a"]);
    await quiet({ waiting: 0, done: 6 });
    broken = true;
    seen.length = 0;
    const { planId } = await store.planReplay(toSelection({ history: { handler: "main" } }));
    const { replayId } = await store.startReplay(planId, { reason: "try", terms: runTerms });
    expect(await replayWith(store, replayId, "completed")).toMatchObject({
      ...{ total: 6, succeeded: 3, failed: 1, skipped: 2, skips: [{ reason: "an earlier event of its entity failed", count: 2 }] },
    });
    expect(seen.map(({ entity, revision, attempt }) => `${entity}${revision} ${attempt}`)).toEqual(
      expect.arrayContaining(["a0 1", "a1 1", "a1 2", "a1 3", "b0 1", "b1 1"]),
    );
    await quiet({ waiting: 0, byStatus: { completed: 6, dead_lettered: 0 } });
  });

  it("leaves alone what waits in its lane, and takes a range of types, times and positions", async () => {
    const { store, append, quiet } = await openScene({
      work: ({ entity, revision }) => {
        if (entity === "a" && revision === 1) throw new Error("no");
      },
    });
    await append(["a"], ["a"], ["a"], ["b"], ["b"]);
    await quiet({ byStatus: { dead_lettered: 1, held: 1, completed: 3 } });
    expect(await store.planReplay(toSelection({ history: { handler: "main" } }))).toMatchObject({
      deliveries: 3,
      ineligible: [
        { reason: "dead-lettered: replay it as a dead letter", count: 1 },
        { reason: "not delivered yet: it waits in its lane", count: 1 },
      ],
    });
    const { events } = await store.readEntity({ type: "thing", id: "b" });
    const from = events[1]!.position;
    expect(await store.planReplay(toSelection({ history: { handler: "main", fromPosition: from } }))).toMatchObject({ deliveries: 1 });
    expect(await store.planReplay(toSelection({ history: { handler: "main", toPosition: BigInt(from) - 1n } }))).toMatchObject({ deliveries: 2 });
    expect(await store.planReplay(toSelection({ history: { handler: "main", untilMs: 0 } }))).toMatchObject({ deliveries: 0 });
    expect(await store.planReplay(toSelection({ history: { handler: "main", types: ["thing.happened"] } }))).toMatchObject({ deliveries: 3 });
    await expect(store.planReplay(toSelection({ history: { handler: "main", types: ["thing.else"] } }))).rejects.toThrow(/does not take thing.else/);
    await expect(store.planReplay(toSelection({ history: { handler: "nobody" } }))).rejects.toThrow(/nobody does not run here/);
  });
});

describe("another handler as the target", () => {
  it("gets a dead letter as a delivery of its own, and the original stays", async () => {
    const { store, seen, append, quiet } = await openScene({
      sandbox: true,
      work: ({ handler }) => {
        if (handler === "main") throw new Error("no");
      },
    });
    await append(["a"]);
    await quiet({ byStatus: { dead_lettered: 1 } });
    seen.length = 0;
    const [letter] = (await store.views.deadLetters({ tenant: "default" }, { limit: 1 })).events;
    const result = await store.replay(letter!.id, { targetHandler: "sandbox", handler: "main", reason: "look" });
    expect(result).toMatchObject({ status: "replayed", deliveryId: deliveryId("sandbox", "default.thing-a", letter!.id, result.replayId) });
    expect(seen).toMatchObject([{ handler: "sandbox", deliveryId: result.deliveryId, replay: { id: result.replayId } }]);
    await quiet({ byStatus: { dead_lettered: 1 } });
    await expect(store.replay(letter!.id, { targetHandler: "nobody", handler: "main" })).rejects.toThrow(/does not run here/);

    const plan = await store.planReplay(toSelection({ deadLetters: { handler: "main" } }), { targetHandler: "sandbox" });
    expect(plan).toMatchObject({ deliveries: 1, deadLetters: 1, releases: 0, byHandler: [{ handler: "sandbox", deliveries: 1 }] });
    const { replayId } = await store.startReplay(plan.planId, { reason: "look", terms: runTerms });
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ succeeded: 1, targetHandler: "sandbox" });
    await quiet({ byStatus: { dead_lettered: 1 } });
  });
});

describe("a dry run", () => {
  it("goes up to the handler, writes nothing but its report, and leaves the plan to be run", async () => {
    const { store, seen, append, quiet } = await openScene({
      work: () => {
        throw new Error("no");
      },
    });
    await append(["a", { n: 7 }], ["b", { n: 8, label: "new" }, 2]);
    await quiet({ byStatus: { dead_lettered: 2 } });
    seen.length = 0;
    const plan = await store.planReplay(toSelection({ deadLetters: { handler: "main" } }));
    const { replayId } = await store.startReplay(plan.planId, { reason: "try", terms: { ...runTerms, mode: "dry_run" } });
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ mode: "dry_run", total: 2, succeeded: 2, failed: 0 });
    expect(seen).toEqual([]);
    expect((await store.replayReport(replayId, { limit: 10 })).items).toMatchObject([
      { entity: { type: "thing", id: "a" }, outcome: "succeeded", attempts: 0, differences: [{ path: "/label", after: "thing 7" }] },
      { entity: { type: "thing", id: "b" }, outcome: "succeeded", differences: [] },
    ]);
    await quiet({ byStatus: { dead_lettered: 2 } });
    expect((await store.replayPlan(plan.planId)).used).toBeNull();
    await store.startReplay(plan.planId, { reason: "now", terms: runTerms });
    await until(() => seen.length === 2);
  });

  it("calls a handler that declares it, once, and tells it so", async () => {
    const { store, seen, append, quiet } = await openScene({
      dryRun: true,
      work: ({ entity, replay }) => {
        if (replay?.mode !== "dry_run" || entity === "b") throw new Error("no");
      },
    });
    await append(["a"], ["b"]);
    await quiet({ byStatus: { dead_lettered: 2 } });
    seen.length = 0;
    const plan = await store.planReplay(toSelection({ deadLetters: { handler: "main" } }));
    const { replayId } = await store.startReplay(plan.planId, { reason: "try", terms: { ...runTerms, mode: "dry_run" } });
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ succeeded: 1, failed: 1 });
    expect(seen).toHaveLength(2);
    const [a, b] = (await store.replayReport(replayId, { limit: 10 })).items;
    expect([a, b]).toMatchObject([
      { outcome: "succeeded", attempts: 1 },
      { outcome: "failed", attempts: 1, error: { type: "Error", message: "no" } },
    ]);
    const [letter] = (await store.views.deadLetters({ tenant: "default" }, { limit: 1 })).events;
    expect(letter).toMatchObject({ attempts: 1, replayId: null });
  });
});

describe("a batch of discards", () => {
  it("gives up the oldest that match, and what waits behind them goes on", async () => {
    const { store, append, quiet } = await openScene({
      work: ({ revision }) => {
        if (revision === 0) throw new Error("no");
      },
    });
    await append(["a"], ["b"], ["c"], ["a"], ["b"], ["c"]);
    await quiet({ byStatus: { dead_lettered: 3, held: 3 } });
    await expect(store.discardBatch({}, { reason: "tidy" })).rejects.toThrow(/Nothing is selected/);
    const result = await store.discardBatch({ handler: "main" }, { reason: "tidy", maxEvents: 2, resolution: "not_needed" });
    expect(result).toMatchObject({ total: 2, discarded: 2, skipped: 0, remaining: 1 });
    await quiet({ byStatus: { dead_lettered: 1, discarded: 2, held: 1, completed: 2 } });
  });
});
