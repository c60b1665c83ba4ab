import { describe, expect, it } from "vitest";
import { isRepriseError } from "../../src/errors.ts";
import { toSelection } from "../../src/replay/selection.ts";
import { expectProblem, serverOver } from "../support/http.ts";
import { openScene, replayWith, runTerms, until } from "../support/replay-scene.ts";

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "nothing was refused",
    (error: unknown) => (isRepriseError(error) ? error.code : error),
  );

const fails = {
  work: () => {
    throw new TypeError("cannot");
  },
};

describe("a dead letter behind an earlier one of its entity, left from before the handler became strict", () => {
  it("is refused with a code of its own, and nothing changes", async () => {
    const relaxed = await openScene({ ...fails, ordering: "relaxed" });
    await relaxed.append(["a"], ["a"]);
    await relaxed.quiet({ byStatus: { dead_lettered: 2 } });
    await relaxed.store.close();

    const { store, seen, quiet } = await openScene({ ...fails, ordering: "strict", folder: relaxed.folder });
    await quiet({ byStatus: { dead_lettered: 2 } });
    const { events } = await store.views.deadLetters({ tenant: "default" }, { limit: 10 });
    const second = events.find(({ revision }) => revision === 1)!;
    expect(await codeOf(store.replay(second.id, { reason: "mended" }))).toBe("LETTER_NOT_FIRST");
    expect(await codeOf(store.discard(second.id, { reason: "not needed" }))).toBe("LETTER_NOT_FIRST");
    expect(await codeOf(store.amend(second.id, { data: { n: 2 }, reason: "mended" }))).toBe("LETTER_NOT_FIRST");
    expect(seen).toEqual([]);
    expect(await store.replayBatch({})).toMatchObject({
      total: 2,
      failed: 1,
      skipped: 1,
      skips: [{ reason: "an earlier dead letter of its entity comes first" }],
    });
  });
});

describe("another tenant's replays and plans", () => {
  const other = { tenant: "other" };
  const run = async () => {
    const scene = await openScene(fails);
    await scene.append(["a"]);
    await scene.quiet({ byStatus: { dead_lettered: 1 } });
    const { store } = scene;
    const plan = await store.planReplay(toSelection({ deadLetters: { handler: "main" } }));
    return { store, plan };
  };

  it("are not found by any method that takes an id of theirs, whether the replay runs or has ended", async () => {
    const { store, plan } = await run();
    const terms = { ...runTerms, ratePerSecond: 0.001 };
    const { replayId } = await store.startReplay(plan.planId, { reason: "mended", terms });
    await replayWith(store, replayId, "running"); // the views have it
    for (const ended of [false, true]) {
      expect(await store.replayState(replayId), `ended: ${ended}`).toBeDefined();
      expect(await store.replayState(replayId, other)).toBeUndefined();
      expect(await store.views.replay("other", replayId)).toBeUndefined();
      expect(await store.replayStates({ ...other, limit: 10 })).toEqual({ replays: [], nextCursor: null });
      for (const asked of [
        () => store.replayReport(replayId, { ...other, limit: 10 }),
        ...(["pause", "resume", "cancel"] as const).map((verb) => () => store.actOnReplay(replayId, verb, other)),
        () => store.setReplayRate(replayId, 5, other),
        () => store.replayPlan(plan.planId, other),
        () => store.startReplay(plan.planId, { ...other, reason: "mine", terms }),
      ])
        expect(await codeOf(asked())).toBe("NOT_FOUND");
      if (!ended) {
        expect(await store.actOnReplay(replayId, "cancel")).toMatchObject({ status: "cancelled" });
        await replayWith(store, replayId, "cancelled");
      }
    }
  });
});

describe("an event that several handlers dead-lettered", () => {
  it("is ambiguous in the same words for whoever reads, replays, amends or discards it by its id alone", async () => {
    const { store, append, quiet } = await openScene({ ...fails, sandbox: true });
    await append(["a"]);
    await quiet({ byStatus: { dead_lettered: 1 } });
    await until(async () => (await store.views.deadLetters({ tenant: "default" }, { limit: 10 })).total === 2);
    const { id } = (await store.views.deadLetters({ tenant: "default" }, { limit: 1 })).events[0]!;
    const app = serverOver(store);
    const answers = await Promise.all([
      app.inject({ method: "GET", url: `/admin/dlq/${id}` }),
      app.inject({ method: "POST", url: `/admin/dlq/${id}/replay`, payload: {} }),
      app.inject({ method: "POST", url: `/admin/dlq/${id}/amend`, payload: { data: { n: 2 }, reason: "mended" } }),
      app.inject({ method: "POST", url: `/admin/dlq/${id}/discard`, payload: { reason: "not needed" } }),
    ]);
    const problems = answers.map((answer) => expectProblem(answer, 409, "HANDLER_AMBIGUOUS"));
    for (const { detail, handlers } of problems) {
      expect(detail).toBe(`Event ${id} is dead-lettered for main, sandbox.`);
      expect(handlers).toEqual(["main", "sandbox"]);
    }
  });
});
