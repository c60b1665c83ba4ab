/** A replay of many that share its letters: it is steered at any of them, and goes on when its runner leaves. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { inboxPrefix, replayStream } from "../../src/event/names.ts";
import { defineConfig, defineEvent, defineHandler, openStore, type Store, Terminal } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import type { ReplayTerms } from "../../src/records/replay.ts";
import { type HistorySelection, toSelection } from "../../src/replay/selection.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });

interface Call {
  readonly instance: string;
  readonly entity: string;
  readonly revision: number;
  readonly replayId: string | null;
  readonly atMs: number;
}

class Scene {
  readonly calls: Call[] = [];
  isBroken = true;
  /** So often each delivery of a replay fails before it goes well. */
  failsFirst = 0;
  /** Calls of dry runs. */
  dry = 0;
  readonly url: string;
  readonly #partitions: number;

  readonly #retry: { readonly maxAttempts: number };

  constructor(url: string, partitions: number, retry: { readonly maxAttempts: number; readonly schedule?: number[] } = { maxAttempts: 1 }) {
    this.url = url;
    this.#partitions = partitions;
    this.#retry = retry;
  }

  async open(instance: string): Promise<Store> {
    const handler = defineHandler({
      name: "desk",
      partitions: this.#partitions,
      startFrom: "beginning",
      retry: this.#retry,
      dryRun: true,
      events: [happened],
      on: {
        "thing.happened": async ({ entity, revision }, { replay }) => {
          if (replay?.mode === "dry_run") return void this.dry++;
          this.calls.push({ instance, entity: entity.id, revision, replayId: replay?.id ?? null, atMs: performance.now() });
          if (this.isBroken) throw new Terminal("broken");
          if (replay !== null && this.replays(replay.id).filter((call) => call.entity === entity.id && call.revision === revision).length <= this.failsFirst)
            throw new Error("not yet");
        },
      },
    });
    const config = defineConfig({ events: [happened], handlers: [handler] });
    const store = await openStore(config, { log: this.url, data: temporaryFolder(), instance, instances: "many" });
    onTestFinished(() => store.close());
    await store.start();
    return store;
  }

  replays(replayId: string): readonly Call[] {
    return this.calls.filter((call) => call.replayId === replayId);
  }
}

const owned = (store: Store, name: string) =>
  store.cluster().partitions.filter(({ owner, state }) => state === "owned" && owner?.startsWith(`${name}.`)).length;
const counts = async (store: Store) => (await store.views.handlers())[0]!.byStatus;
const append = (store: Store, ids: readonly string[]) =>
  store.append(ids.map((id) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id }, data: {} })));
const ids = (from: number, count: number) => Array.from({ length: count }, (_, n) => `e${from + n}`);

async function begin(store: Store, ratePerSecond: number | null): Promise<string> {
  const plan = await store.planReplay({ kind: "dead_letters", filter: { handler: "desk" }, stored: { handler: "desk" } as never });
  return (await store.startReplay(plan.planId, { terms: { ...runTerms, ratePerSecond }, reason: "mended" })).replayId;
}

/** Turns are evenly spread; what they start may be late, by a slow machine, and then come together. */
function isPaced(calls: readonly Call[], perSecond: number): void {
  const times = calls.map(({ atMs }) => atMs).sort((a, b) => a - b);
  expect((times.at(-1)! - times[0]!) / 1000).toBeGreaterThan(((times.length - 1) / perSecond) * 0.85);
}

const ended = (store: Store, replayId: string) =>
  until("the replay's end", async () => {
    const state = await store.replayState(replayId);
    return state?.endedAt != null && state;
  });

describe("a replay that instances share", { timeout: 120_000 }, () => {
  it("is paused, resumed, given another rate and cancelled at any of them, as at its runner, and goes on when the runner leaves", async () => {
    const { url } = await startLogServer();
    const scene = new Scene(url, 4);
    const one = await scene.open("one");
    const two = await scene.open("two");
    await until("a share each", () => owned(one, "one") === 2 && owned(two, "two") === 2);
    await append(one, ids(0, 60));
    await until("the dead letters", async () => (await counts(two)).dead_lettered === 60);
    scene.isBroken = false;

    // Cancelled at the other instance: within a second nothing of it starts any more.
    const begunMs = performance.now();
    const cancelled = await begin(one, 10);
    await until("the first calls", () => scene.replays(cancelled).length >= 8);
    const askedMs = performance.now();
    expect(await two.actOnReplay(cancelled, "cancel", { actor: "bert", reason: "wrong one" })).toMatchObject({ status: "cancelled" });
    const done = scene.replays(cancelled).length;
    expect(done).toBeLessThanOrEqual(2 + (performance.now() - begunMs) / 100); // ten a second, wherever they run
    await wait(500);
    expect(scene.replays(cancelled)).toHaveLength(done);
    expect(scene.replays(cancelled).at(-1)!.atMs - askedMs).toBeLessThan(3000);
    await expect(two.actOnReplay(cancelled, "pause")).rejects.toMatchObject({ code: "REPLAY_ENDED", fields: { status: "cancelled" } });
    expect(await one.actOnReplay(cancelled, "cancel")).toMatchObject({ status: "cancelled" });
    expect(await ended(two, cancelled)).toMatchObject({ total: 60, succeeded: done, failed: 0, skipped: 60 - done });
    await expect(two.actOnReplay(v7(), "cancel")).rejects.toMatchObject({ code: "NOT_FOUND" });

    // Paused, resumed and let go faster at the other one; then its runner leaves.
    scene.isBroken = true;
    await append(one, ids(60, 120));
    const left = 60 - done + 120;
    await until("more dead letters", async () => (await counts(one)).dead_lettered === left);
    scene.isBroken = false;
    const replayId = await begin(one, 20);
    await until("the first calls", () => scene.replays(replayId).length >= 3);
    expect(await two.actOnReplay(replayId, "pause", { actor: "bert" })).toMatchObject({ status: "pausing" });
    await until("the pause", async () => (await two.replayState(replayId))?.status === "paused");
    const paused = scene.replays(replayId).length;
    await wait(300);
    expect(scene.replays(replayId)).toHaveLength(paused);
    expect(await two.setReplayRate(replayId, 15, { actor: "bert" })).toMatchObject({ status: "paused" });
    expect(await two.actOnReplay(replayId, "resume", { actor: "bert" })).toMatchObject({ status: "running" });
    await until("more calls", () => scene.replays(replayId).length >= paused + 3);
    await one.close();
    const report = await ended(two, replayId);
    expect(report).toMatchObject({ status: "completed", total: left, succeeded: left, failed: 0, skipped: 0, ratePerSecond: 15 });
    expect(await counts(two)).toMatchObject({ dead_lettered: 0, replayed: 180 });
    expect(new Set(scene.replays(replayId).map(({ entity }) => entity)).size).toBe(left);
    expect(scene.replays(replayId)).toHaveLength(left);

    const log = await openLog(url, {});
    onTestFinished(() => log.close());
    const entries: { readonly type: string; readonly data: unknown }[] = [];
    for await (const batch of log.readStream(replayStream(replayId))) entries.push(...batch);
    expect(entries.filter(({ type }) => type === "replay.claimed")).toMatchObject([
      { data: { instance: expect.stringMatching(/^two\./), from: expect.stringMatching(/^one\./) } },
    ]);
    expect(entries.filter(({ type }) => type === "replay.ended")).toHaveLength(1);
  });

  it("keeps its rate over all of them with its retries, of dead letters and of history", async () => {
    const { url } = await startLogServer();
    const scene = new Scene(url, 2, { maxAttempts: 3, schedule: [20, 20] });
    const one = await scene.open("one");
    const two = await scene.open("two");
    await until("a share each", () => owned(one, "one") === 1 && owned(two, "two") === 1);
    await append(one, ids(0, 24));
    await until("the dead letters", async () => (await counts(one)).dead_lettered === 24);
    scene.isBroken = false;
    scene.failsFirst = 2;
    const perSecond = 40;
    const arePaced = (replayId: string, begunMs: number) => {
      const calls = scene.replays(replayId);
      expect(calls).toHaveLength(72);
      expect(new Set(calls.map(({ instance }) => instance))).toEqual(new Set(["one", "two"]));
      // From when the replay was asked for: a first call that is late would make the others seem faster.
      expect((Math.max(...calls.map(({ atMs }) => atMs)) - begunMs) / 1000).toBeGreaterThan(((calls.length - 1) / perSecond) * 0.99);
    };

    const begunMs = performance.now();
    const letters = await begin(one, perSecond);
    expect(await ended(two, letters)).toMatchObject({ status: "completed", total: 24, succeeded: 24, failed: 0, skipped: 0 });
    arePaced(letters, begunMs);

    const plan = await one.planReplay(toSelection({ history: { handler: "desk", types: ["thing.happened"] } }));
    const againMs = performance.now();
    const history = (await one.startReplay(plan.planId, { terms: { ...runTerms, ratePerSecond: perSecond }, reason: "again" })).replayId;
    expect(await ended(two, history)).toMatchObject({ status: "completed", total: 24, succeeded: 24, failed: 0, skipped: 0 });
    arePaced(history, againMs);
  });

  // Paused until the partition has moved, because nobody knows when that is.
  it.each(["while its letters go", "once they have gone"])(
    "keeps its rate, and that of what its letters held, where a partition moves to another instance %s, and where it comes back to its runner",
    async (moves) => {
      const { url } = await startLogServer();
      const scene = new Scene(url, 2);
      const one = await scene.open("one");
      await until("all partitions", () => owned(one, "one") === 2);
      const [letters, rounds] = moves === "once they have gone" ? [12, 60] : [80, 2];
      await append(one, ids(0, letters));
      await until("the dead letters", async () => (await counts(one)).dead_lettered === letters);
      for (let round = 0; round < rounds; round++) await append(one, ids(0, letters));
      scene.isBroken = false;
      const perSecond = 40;
      const replayId = await begin(one, perSecond);
      await until("letters to go", () => scene.replays(replayId).length >= Math.min(letters, 20));
      await until("the pause", async () => (await one.actOnReplay(replayId, "pause")) !== null && (await one.replayState(replayId))?.status === "paused");
      const paused = scene.calls.length;
      const two = await scene.open("two");
      await until("a share each", () => owned(one, "one") === 1 && owned(two, "two") === 1);
      expect(scene.calls).toHaveLength(paused);

      await two.actOnReplay(replayId, "resume");
      const calls = (instance: string) => scene.calls.slice(paused).filter((call) => call.instance === instance);
      await until("what the other one has", () => calls("two").length >= 60);
      expect((await one.replayState(replayId))?.status).toBe("running");
      await two.close();
      const moved = new Set(calls("two").map(({ entity }) => entity));
      if (moves === "once they have gone") {
        await until("what has come back", () => calls("one").filter(({ entity }) => moved.has(entity)).length >= 20);
        isPaced(calls("one"), perSecond);
        isPaced(calls("two"), perSecond); // which counts for itself
        await one.setReplayRate(replayId, null);
      }
      expect(await ended(one, replayId)).toMatchObject({ status: "completed", succeeded: letters });
      await until("what they held", async () => (await counts(one)).completed === letters * rounds);
      if (moves === "while its letters go")
        isPaced(scene.calls.slice(paused).filter((call) => call.instance === "one" || call.replayId !== null), perSecond); // biome-ignore format: one condition
      for (const of of Map.groupBy(scene.calls, ({ entity }) => entity).values())
        expect(of.map(({ revision }) => revision)).toEqual([0, ...Array.from({ length: rounds + 1 }, (_, revision) => revision)]);
    },
  );

  it.each([100, null])(
    "hears at once of a retry elsewhere that an operator gives up, and pauses while others wait for theirs: at %s a second",
    async (rate) => {
      const { url } = await startLogServer();
      const scene = new Scene(url, 2, { maxAttempts: 3, schedule: [600_000, 600_000] });
      const one = await scene.open("one");
      const two = await scene.open("two");
      await until("a share each", () => owned(one, "one") === 1 && owned(two, "two") === 1);
      await append(one, ids(0, 8));
      await until("the dead letters", async () => (await counts(one)).dead_lettered === 8);
      const replays = scene.calls.filter(({ instance }) => instance === "two").map(({ entity }) => entity);
      scene.isBroken = false;
      scene.failsFirst = 1;
      const replayId = await begin(one, rate);
      await until("the first calls", async () => scene.replays(replayId).length === 8 && (await counts(one)).failed === 8);

      const letter = async (entityId: string) => (await one.views.events({ tenant: "default", entityId }, { limit: 1 })).events[0]!.deliveries[0]!.deliveryId;
      await one.giveUp(await letter(replays[0]!), { reason: "in vain" });
      await until("the failure", async () => (await one.replayState(replayId))?.failed === 1);
      await expect(two.replay(await letter(replays[1]!), { reason: "now" })).rejects.toMatchObject({
        code: expect.stringMatching(/DELIVERY_RUNNING|NOT_DEAD_LETTERED/),
      });

      await two.actOnReplay(replayId, "pause");
      await until("the pause", async () => (await two.replayState(replayId))?.status === "paused");
      await two.actOnReplay(replayId, "cancel");
      expect(await ended(two, replayId)).toMatchObject({ status: "cancelled", total: 8, failed: 1, skipped: 7 });
      expect(scene.replays(replayId)).toHaveLength(8);
    },
  );

  it("delivers history where its partitions are, tries it without effect, and keeps inboxes short", async () => {
    const entities = 320;
    const { url } = await startLogServer();
    const scene = new Scene(url, 2);
    scene.isBroken = false;
    const one = await scene.open("one");
    const two = await scene.open("two");
    await until("a share each", () => owned(one, "one") === 1 && owned(two, "two") === 1);
    for (let round = 0; round < 2; round++) await append(one, ids(0, entities));
    await until("all to be delivered", async () => (await counts(two)).completed === 2 * entities);

    const start = async (terms: Partial<ReplayTerms>, selection: Omit<HistorySelection, "types"> = {}) => {
      const plan = await one.planReplay(toSelection({ history: { handler: "desk", types: ["thing.happened"], ...selection } }));
      return (await one.startReplay(plan.planId, { terms: { ...runTerms, ...terms }, reason: "again" })).replayId;
    };
    const dry = await start({ mode: "dry_run" });
    expect(await ended(two, dry)).toMatchObject({ status: "completed", total: 2 * entities, succeeded: 2 * entities, failed: 0, skipped: 0 });
    expect(scene.replays(dry)).toHaveLength(0);
    expect(scene.dry).toBe(2 * entities);

    const replayId = await start({});
    expect(await ended(two, replayId)).toMatchObject({ status: "completed", total: 2 * entities, succeeded: 2 * entities, failed: 0, skipped: 0 });
    const calls = scene.replays(replayId);
    expect(calls).toHaveLength(2 * entities);
    expect(new Set(calls.map(({ instance }) => instance))).toEqual(new Set(["one", "two"]));
    for (const its of Map.groupBy(calls, ({ entity }) => entity).values()) expect(its.map(({ revision }) => revision)).toEqual([0, 1]);
    // What was borrowed is given back: live events go on.
    await append(two, ids(0, entities));
    await until("all to be delivered", async () => (await counts(two)).completed === 3 * entities);

    // An entity whose event fails is over in the replay, wherever it is.
    scene.isBroken = true;
    const failing = await start({}, { entityType: "thing", entityId: "e1" });
    expect(await ended(one, failing)).toMatchObject({ total: 3, succeeded: 0, failed: 1, skipped: 2 });

    const log = await openLog(url, {});
    onTestFinished(() => log.close());
    for (let partition = 0; partition < 2; partition++) {
      const stream = `${inboxPrefix}desk-2-${partition}`;
      let kept = 0;
      for await (const batch of log.readStream(stream)) kept += batch.length;
      const asked = (await log.streamRevision(stream)) + 1;
      if (asked > 0) expect(asked).toBeGreaterThan(512);
      expect(kept).toBeLessThan(256);
    }
  });
});
