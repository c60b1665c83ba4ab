import { describe, expect, it } from "vitest";
import { toSelection } from "../../src/replay/selection.ts";
import { openScene, overlaps, replayWith, runTerms, type Seen } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const all = toSelection({ deadLetters: { handler: "main" } });

/** Ten entities with five events each, the first of which fails while `broken`. */
async function outage(options: Parameters<typeof openScene>[0] = {}) {
  const state = { broken: true };
  const scene = await openScene({
    ...options,
    work: async (call: Seen) => {
      if (state.broken && call.revision === 0) throw new TypeError("cannot");
      await options.work?.(call);
    },
  });
  const entities = Array.from({ length: 10 }, (_, index) => `e${index}`);
  await scene.append(...entities.flatMap((entity) => Array.from({ length: 5 }, (_, n) => [entity, { n }] as const)));
  await scene.quiet({ byStatus: { dead_lettered: 10, held: 40 } });
  state.broken = false;
  scene.seen.length = 0;
  return { ...scene, state, entities };
}

describe("a plan", () => {
  it("says what would happen, and what would not", async () => {
    const { store, append, quiet } = await openScene({
      work: () => {
        throw new TypeError("cannot");
      },
      upcast: ({ n }) => {
        if (n === 13) throw new Error("unlucky");
        return { n, label: "lifted" };
      },
    });
    await append(["a"], ["a"], ["a"], ["b", { n: 2 }], ["c", { n: 13 }], ["c"], ["d", { n: 4, label: "new" }, 2]);
    await quiet({ byStatus: { dead_lettered: 4, held: 3 } });
    const plan = await store.planReplay(all, { ratePerSecond: 2 });
    expect(plan).toMatchObject({
      ...{ deliveries: 3, deadLetters: 4, releases: 2, entities: 3, invalidTotal: 1, ineligible: [], estimatedSeconds: 3, used: null },
      byHandler: [{ handler: "main", deliveries: 3, entities: 3 }],
      byError: [{ error: "TypeError: cannot", count: 3 }],
      invalid: [{ step: "thing.happened v1 → v2", error: { type: "Error", message: "thing.happened v1 → v2: unlucky" } }],
    });
    expect(Date.parse(plan.expiresAt) - Date.parse(plan.madeAt)).toBe(24 * 3_600_000);
    expect(plan.samples).toHaveLength(3);
    expect(plan.samples[0]).toMatchObject({
      stored: { schemaVersion: 1, data: { n: 1 } },
      current: { schemaVersion: 2, data: { n: 1, label: "lifted" } },
      steps: [{ from: 1, to: 2, error: null }],
    });
    expect(await store.replayPlan(plan.planId)).toEqual(plan);
    await expect(store.replayPlan(plan.planId, { tenant: "other" })).rejects.toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    await expect(store.replayPlan("nope")).rejects.toThrow(expect.objectContaining({ code: "NOT_FOUND" }));

    const [letter] = (await store.views.deadLetters({ tenant: "default" }, { limit: 1 })).events;
    const ids = await store.planReplay(toSelection({ ids: [letter!.deliveryId, "018f2b2e-7c4a-7d3b-8a1e-0123456789ab"] }));
    expect(ids).toMatchObject({
      deliveries: 1,
      deadLetters: 1,
      ineligible: [{ reason: "there is no such event or delivery", count: 1 }],
      estimatedSeconds: null,
    });
  });

  it("runs exactly what it lists: dead letters first, then what they held, in order", async () => {
    const { store, seen, entities } = await outage();
    const plan = await store.planReplay(all);
    expect(plan).toMatchObject({ deliveries: 10, releases: 40, entities: 10 });
    const { replayId, status } = await store.startReplay(plan.planId, { reason: "mended", terms: runTerms });
    expect(status).toBe("running");
    expect(await replayWith(store, replayId, "completed")).toMatchObject({
      ...{ planId: plan.planId, kind: "dead_letters", total: 10, succeeded: 10, failed: 0, skipped: 0, remaining: 0, newSince: 0, why: null },
    });
    expect(overlaps(seen)).toEqual([]);
    for (const entity of entities) {
      const calls = seen.filter((call) => call.entity === entity);
      expect(calls.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
      expect(calls.map(({ replay }) => replay)).toEqual([{ id: replayId, reason: "mended", mode: "run" }, null, null, null, null]);
    }
  });

  it("is started once: the second of two operators is told who runs it", async () => {
    const { store } = await outage();
    const { planId } = await store.planReplay(all);
    const starts = await Promise.allSettled(["ann", "bob"].map((actor) => store.startReplay(planId, { actor, reason: `${actor} mends it`, terms: runTerms })));
    const [started] = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const [refused, ...others] = starts.flatMap((start) => (start.status === "rejected" ? [start.reason] : []));
    expect(others).toEqual([]);
    const first = (await store.replayState(started!.replayId))?.actor ?? (await replayWith(store, started!.replayId, "completed")).actor;
    expect(refused).toMatchObject({ code: "PLAN_USED", fields: { replayId: started!.replayId, actor: first } });
    expect(refused.message).toContain(`${first} started the plan as replay ${started!.replayId} (${first} mends it)`);
    expect((await store.replayPlan(planId)).used).toEqual({ replayId: started!.replayId, actor: first });
  });

  it("that is stale says what changed", async () => {
    const { store } = await outage();
    const { planId } = await store.planReplay(all);
    const [letter] = (await store.views.deadLetters({ tenant: "default" }, { limit: 1 })).events;
    await store.discard(letter!.id, { reason: "not needed" });
    const error = await store.startReplay(planId, { reason: "mended", terms: runTerms }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "PLAN_STALE", fields: { changed: [{ reason: "are not dead-lettered any more", count: 1, event_ids: [letter!.id] }] } });
  });
});

describe("a replay", () => {
  it("stops within one batch of its threshold", async () => {
    const { store, state, seen } = await outage({ concurrency: 2 });
    state.broken = true;
    const { planId } = await store.planReplay(all);
    const { replayId } = await store.startReplay(planId, { reason: "try", terms: { ...runTerms, stopWhen: { failureRatio: null, failuresInARow: 3 } } });
    const report = await replayWith(store, replayId, "stopped");
    expect(report).toMatchObject({ succeeded: 0, why: "3 failures in a row", skips: [{ reason: "the replay was stopped", count: expect.any(Number) }] });
    expect(report.failed).toBeLessThanOrEqual(3 + 2);
    expect(report.failed + report.skipped).toBe(10);
    expect(seen.length).toBe(report.failed);
  });

  it("goes on after a clean canary, and stops after one that failed", async () => {
    const { store, seen, state } = await outage();
    const canary = { entities: 2, holdSeconds: 0.2 };
    state.broken = true;
    const failed = await store.planReplay(all);
    const { replayId: first } = await store.startReplay(failed.planId, { reason: "try", terms: { ...runTerms, canary } });
    expect(await replayWith(store, first, "stopped")).toMatchObject({ why: "a delivery of the canary failed" });
    expect(new Set(seen.map(({ entity }) => entity)).size).toBeLessThanOrEqual(2);
    state.broken = false;
    seen.length = 0;
    const good = await store.planReplay(all);
    const { replayId } = await store.startReplay(good.planId, { reason: "mended", terms: { ...runTerms, canary } });
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ succeeded: 10 });
    const others = seen.filter(({ entity }) => entity !== seen[0]!.entity && entity !== "e1");
    const last = Math.max(...seen.filter(({ entity, revision }) => ["e0", "e1"].includes(entity) && revision === 0).map(({ endedMs }) => endedMs!));
    expect(Math.min(...others.map(({ startedMs }) => startedMs))).toBeGreaterThanOrEqual(last + 190);
  });

  it("takes other entities into its canary where every item was skipped, and stops when there are none", async () => {
    const { store, seen, state } = await outage();
    const canary = { entities: 2, holdSeconds: 0.2 };
    const first = await store.planReplay(all);
    for (const id of ["e0", "e1", "e2"]) await store.pauseEntity({ type: "thing", id }, { reason: "looked at" });
    state.broken = true;
    const { replayId } = await store.startReplay(first.planId, { reason: "try", terms: { ...runTerms, canary } });
    expect(await replayWith(store, replayId, "stopped")).toMatchObject({ why: "a delivery of the canary failed" });
    expect([...new Set(seen.map(({ entity }) => entity))].every((entity) => ["e3", "e4"].includes(entity))).toBe(true);
    const second = await store.planReplay(all);
    for (let e = 3; e < 10; e++) await store.pauseEntity({ type: "thing", id: `e${e}` }, { reason: "looked at" });
    const { replayId: none } = await store.startReplay(second.planId, { reason: "try", terms: { ...runTerms, canary } });
    expect(await replayWith(store, none, "stopped")).toMatchObject({ skipped: 7, why: "nothing of the canary could be delivered: every item was skipped" });
  });

  it("that is paused lets no follower through when the service starts again", async () => {
    const folder = temporaryFolder();
    const { store, seen, replayed } = await outage({ folder });
    const { planId } = await store.planReplay(all);
    const { replayId } = await store.startReplay(planId, { reason: "slowly", terms: { ...runTerms, ratePerSecond: 50 } });
    while (seen.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.actOnReplay(replayId, "pause");
    await replayWith(store, replayId, "paused");
    expect(replayed(replayId).length).toBeGreaterThan(0);
    await store.close();
    for (let start = 0; start < 3; start++) {
      const again = await openScene({ folder });
      await replayWith(again.store, replayId, "paused");
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(again.seen).toEqual([]);
      await again.store.close();
    }
    const last = await openScene({ folder });
    await replayWith(last.store, replayId, "paused");
    await last.store.actOnReplay(replayId, "resume");
    await replayWith(last.store, replayId, "completed");
    expect(seen.length + last.seen.length).toBe(50);
  });

  it("pauses with its followers, goes on, and keeps its rate", async () => {
    const { store, seen } = await outage();
    const { planId } = await store.planReplay(all);
    const { replayId } = await store.startReplay(planId, { reason: "slowly", terms: { ...runTerms, ratePerSecond: 50 } });
    await replayWith(store, replayId, "running");
    while (seen.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.actOnReplay(replayId, "pause");
    await replayWith(store, replayId, "paused");
    const paused = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen.length).toBe(paused);
    const setMs = performance.now();
    await store.setReplayRate(replayId, 200);
    await store.actOnReplay(replayId, "resume");
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ succeeded: 10, ratePerSecond: 200 });
    expect(seen).toHaveLength(50);
    expect(overlaps(seen)).toEqual([]);
    const rest = seen.slice(paused);
    // Turns are evenly spread from when the rate was set; what they start may be late, and then come together.
    expect((rest.length - 1) / (rest.at(-1)!.startedMs - setMs)).toBeLessThanOrEqual(0.2);
  });

  it("does not say how long it takes by how long its canary is watched", async () => {
    const { store } = await outage();
    const { planId } = await store.planReplay(all);
    const { replayId } = await store.startReplay(planId, { reason: "try", terms: { ...runTerms, canary: { entities: 1, holdSeconds: 600 } } });
    await expect.poll(async () => (await store.replayState(replayId))!.succeeded).toBe(1);
    expect(await store.replayState(replayId)).toMatchObject({ status: "running", remaining: 9, secondsLeft: null });
    await store.actOnReplay(replayId, "cancel");
    await replayWith(store, replayId, "cancelled");
  });

  it("says how much follows its letters, and how long all of that takes at its rate", async () => {
    const letters = Promise.withResolvers<void>();
    const followers = Promise.withResolvers<void>();
    const { store, seen } = await outage({ work: ({ revision }) => (revision === 0 ? letters : followers).promise });
    const { planId, estimatedSeconds } = await store.planReplay(all, { ratePerSecond: 20 });
    expect(estimatedSeconds).toBe(3);
    const { replayId } = await store.startReplay(planId, { reason: "slowly", terms: { ...runTerms, ratePerSecond: 20 } });
    expect(await replayWith(store, replayId, "running")).toMatchObject({ releasesLeft: 40, secondsLeft: 3 });
    letters.resolve();
    for (let state = await store.replayState(replayId); state?.remaining !== 0; state = await store.replayState(replayId))
      await new Promise((resolve) => setTimeout(resolve, 10));
    const state = (await store.replayState(replayId))!;
    expect(state).toMatchObject({ status: "running", remaining: 0 });
    expect(state.releasesLeft).toBeGreaterThan(20);
    expect(state.secondsLeft).toBe(Math.ceil(state.releasesLeft / 20));
    await store.actOnReplay(replayId, "pause");
    followers.resolve();
    const paused = await replayWith(store, replayId, "paused");
    expect(paused).toMatchObject({ releasesLeft: 50 - seen.length, secondsLeft: null });
    await store.setReplayRate(replayId, null);
    await store.actOnReplay(replayId, "resume");
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ releasesLeft: 0, secondsLeft: 0 });
    expect(seen).toHaveLength(50);
  });

  it("counts nothing that is held behind a letter which failed again", async () => {
    const { store, state } = await outage();
    const { planId } = await store.planReplay(all);
    state.broken = true;
    const { replayId } = await store.startReplay(planId, { reason: "too early", terms: { ...runTerms, ratePerSecond: 100 } });
    for (let left = 40; left > 0; ) {
      const now = await store.replayState(replayId); // not there until the views have it
      if (now !== undefined && now.endedAt !== null) break;
      if (now !== undefined) expect(now.releasesLeft).toBeLessThanOrEqual(left);
      left = now?.releasesLeft ?? left;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ failed: 10, releasesLeft: 0 });
  });

  it("starts nothing after its cancel was acknowledged", async () => {
    const { store, seen, state } = await outage({ concurrency: 2, work: () => new Promise((resolve) => setTimeout(resolve, 20)) });
    state.broken = false;
    const { planId } = await store.planReplay(all);
    const { replayId } = await store.startReplay(planId, { reason: "try", terms: runTerms });
    while (seen.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    const { status } = await store.actOnReplay(replayId, "cancel", { reason: "enough" });
    expect(status).toBe("cancelled");
    const started = seen.filter(({ replay }) => replay !== null).length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen.filter(({ replay }) => replay !== null)).toHaveLength(started);
    const report = await replayWith(store, replayId, "cancelled");
    expect(report.succeeded).toBe(started);
    expect(report.succeeded + report.failed + report.skipped).toBe(10);
    expect(await store.actOnReplay(replayId, "cancel")).toMatchObject({ status: "cancelled" });
    await expect(store.actOnReplay(replayId, "resume")).rejects.toThrow(expect.objectContaining({ code: "REPLAY_ENDED" }));
  });
});
