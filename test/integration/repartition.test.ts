/** A handler's lanes divided into another number of partitions: nothing is lost, doubled or out of order, and what stood still stands as it stood. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { openLogReadOnly } from "../../src/log/open-log.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { Store } from "../../src/store/store.ts";
import { openViewStore } from "../../src/views/store.ts";
import { checkHistory, countDeliveries } from "../support/history-checker.ts";
import { arrange, because, makeDesk, namesOf, order, pictureOf, release } from "../support/repartition-scene.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeTestBench } from "../support/test-bench.ts";
import { handlerShows, handlerView, headOf, logRows, type Place, startStore } from "../support/test-store.ts";
import { rowsOf } from "../support/views-rows.ts";

const names = namesOf(5);
const owned = (store: Store) => store.cluster().partitions.map(({ partition, state, epoch }) => ({ partition, state, epoch }));

async function countedAs(place: Place) {
  const { statuses } = countDeliveries(await logRows(place), "desk");
  return Object.fromEntries(
    Array.from(
      Map.groupBy(statuses.values(), (status) => status),
      ([status, all]) => [status, all.length],
    ),
  );
}

/** What the service's log says of replays. */
function linesOfReplays() {
  const lines: (readonly [level: string, message: string, why: string | null])[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void ("replay_id" in fields && lines.push([level, message, "err" in fields ? (fields.err as Error).message : null]));
  return { lines, logger: { info: at("info"), warn: at("warn"), error: at("error") } };
}

describe.each<[string, () => Place, readonly number[]]>([
  ["on the embedded log", temporaryFolder, [4, 1, 6]],
  ["in a test store", makeTestBench, [4, 1, 6, 4, 64, 1]],
])("a handler that is divided anew, %s", (_, makePlace, numbers) => {
  it("has the same dead letters, waits, decisions, pauses and counts, and goes on in order, however it was divided before", async () => {
    const place = makePlace();
    const desk = makeDesk();
    let store = await startStore(desk.config, place);
    await arrange(store, names);
    await store.views.waitFor(await headOf(place));
    const before = await pictureOf(store, names);
    expect(before.letters).toHaveLength(10);
    const counted = await countedAs(place);
    let epoch = 0;
    for (const partitions of numbers) {
      const was = store.cluster().partitions.length;
      expect(await store.repartitionHandler("desk", partitions, because)).toMatchObject({ state: "repartitioned", partitions, before: was });
      await store.views.waitFor(await headOf(place));
      expect(await pictureOf(store, names)).toEqual(before);
      expect(await countedAs(place)).toEqual(counted);
      const now = owned(store);
      expect(now.map(({ partition, state }) => [partition, state])).toEqual(Array.from({ length: partitions }, (_, at) => [at, "owned"]));
      expect(Math.min(...now.map((each) => each.epoch!))).toBeGreaterThan(epoch);
      epoch = Math.max(...now.map((each) => each.epoch!));
      await store.close();
      store = await startStore(desk.config, place);
      expect(await pictureOf(store, names)).toEqual(before);
    }
    await store.repartitionHandler("desk", 3, because);
    await release(store, desk, names, 3);
    const { events: letters } = await store.views.deadLetters({ tenant: "default" }, { limit: 100 });
    expect(letters).toEqual([]);
    for (const id of names) expect([id, desk.done.get(id)!.map((line) => (line === 101 ? 1 : line))]).toEqual([id, [0, 1, 2, 3]]);
    expect([...desk.done].filter(([, lines]) => lines.includes(101))).toHaveLength(3); // what was amended carries that, also from a journal of before
    expect(checkHistory(desk.history.calls, countDeliveries(await logRows(place), "desk"))).toEqual([]);
    await store.close();
    if (typeof place === "string") await rebuildsAlike(place, desk);
  });
});

/** The rows that the log gives anew are those that the store has kept. */
async function rebuildsAlike(place: string, desk: ReturnType<typeof makeDesk>): Promise<void> {
  const log = await openLogReadOnly(`sqlite:${place}`);
  const file = readdirSync(place).find((name) => /^views.*\.db$/.test(name))!;
  const again = join(temporaryFolder(), "views.db");
  const views = openViewStore(again, log.logId, makeCatalog(desk.config));
  for await (const batch of log.readAll()) for (let rest = batch; rest.length > 0; ) rest = rest.slice(views.fold(rest, () => false));
  views.close();
  await log.close();
  expect(rowsOf(again)).toEqual(rowsOf(join(place, file)));
}

describe("while it is divided anew", () => {
  it("what runs ends first, what comes meanwhile is delivered once, behind it; a second operator is told to wait", async () => {
    const place = temporaryFolder();
    const desk = makeDesk();
    const store = await startStore(desk.config, place);
    const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>();
    desk.work = (id, line) => (id === "fine0" && line === 0 ? goesOn : undefined);
    await store.append([order("fine0", 0), order("fine1", 0)]);
    await expect.poll(() => desk.done.get("fine1")).toEqual([0]);
    const first = store.repartitionHandler("desk", 4, because);
    await expect.poll(async () => (await logRows(place)).some(({ type }) => type === "handler.repartitioning")).toBe(true);
    await store.append([order("fine0", 1), order("fine1", 1)]);
    await expect(store.repartitionHandler("desk", 8, because)).rejects.toMatchObject({
      code: "REPARTITION_RUNNING",
      kind: "conflict",
      message: expect.stringMatching(/^Handler desk is being divided into 4 partitions, since /),
    });
    await expect(store.pauseEntity({ type: "order", id: "fine1" })).rejects.toMatchObject({
      code: "NOT_OWNER",
      message: expect.stringContaining("being divided"),
    });
    expect(store.notReady()).toBeNull(); // for a moment
    expect(await handlerView(store, "desk")).toMatchObject({ fault: expect.stringContaining("into 4 partitions") });
    expect(desk.history.calls).toHaveLength(2);
    goOn();
    expect(await first).toMatchObject({ state: "repartitioned", partitions: 4, before: 1 });
    await handlerShows(store, place, "desk", { done: 4, waiting: 0, state: "running", fault: null });
    expect([desk.done.get("fine0"), desk.done.get("fine1")]).toEqual([[0, 1], [0, 1]]); // biome-ignore format: one line
    expect(checkHistory(desk.history.calls, countDeliveries(await logRows(place), "desk"))).toEqual([]);
    expect(await store.repartitionHandler("desk", 4, because)).toEqual({ state: "unchanged", partitions: 4 });
  });

  it("a replay under way goes on, each dead letter once, and no line says that the service stops", async () => {
    const place = temporaryFolder();
    const desk = makeDesk();
    const { logger, lines } = linesOfReplays();
    const store = await startStore(desk.config, place, { logger });
    const many = Array.from({ length: 40 }, (_, n) => `letter${n}`);
    for (const line of [0, 1]) await store.append(many.map((id) => order(id, line)));
    await handlerShows(store, place, "desk", { byStatus: { dead_lettered: 40 } });
    desk.broken = false;
    const { replayId } = await store.replayBatch({ handler: "desk" }, { ...because, ratePerSecond: 50, patienceMs: 10 });
    await expect.poll(() => desk.done.size).toBeGreaterThan(5);
    await store.repartitionHandler("desk", 4, because);
    expect(lines).toEqual([
      ["warn", "a replay was cut off", expect.stringMatching(/^The handler lets go of its entities: the service stops, or others work on them/)],
    ]);
    await expect.poll(async () => (await store.replayState(replayId))!.status, { timeout: 20_000 }).toBe("completed");
    expect(await store.replayState(replayId)).toMatchObject({ total: 40, succeeded: 40, failed: 0, skipped: 0 });
    expect([...desk.done.values()]).toEqual(many.map(() => [0, 1]));
    expect(checkHistory(desk.history.calls, countDeliveries(await logRows(place), "desk"))).toEqual([]);
  });

  it("a service that stops says of a replay that it goes on, as of nothing that went wrong", async () => {
    const place = temporaryFolder();
    const desk = makeDesk();
    const { logger, lines } = linesOfReplays();
    const store = await startStore(desk.config, place, { logger });
    for (const line of [0, 1]) await store.append(["letter0", "letter1"].map((id) => order(id, line)));
    await handlerShows(store, place, "desk", { byStatus: { dead_lettered: 2 } });
    desk.broken = false;
    await store.replayBatch({ handler: "desk" }, { ...because, ratePerSecond: 0.1, patienceMs: 10 });
    await store.close();
    expect(lines).toEqual([["info", "the service stops; the replay goes on when it starts again", null]]);
  });

  it("a replay of history under way goes on, each entity in order and each event once", { timeout: 120_000 }, async () => {
    const place = temporaryFolder();
    const desk = makeDesk();
    const store = await startStore(desk.config, place);
    const many = Array.from({ length: 20 }, (_, n) => `fine${n}`);
    for (const line of [0, 1, 2]) await store.append(many.map((id) => order(id, line)));
    await handlerShows(store, place, "desk", { done: 60, waiting: 0 });
    const { planId } = await store.planReplay(toSelection({ history: { handler: "desk" } }));
    const { replayId } = await store.startReplay(planId, { ...because, terms: { ...runTerms, ratePerSecond: 60 } });
    const mine = () => desk.history.calls.filter((call) => call.replayId === replayId);
    await expect.poll(() => mine().length, { timeout: 30_000 }).toBeGreaterThan(10);
    await store.repartitionHandler("desk", 4, because);
    expect(mine().length).toBeLessThan(60);
    await store.append(many.map((id) => order(id, 3)));
    await expect.poll(async () => (await store.replayState(replayId))!.status, { timeout: 60_000 }).toBe("completed");
    expect(await store.replayState(replayId)).toMatchObject({ total: 60, succeeded: 60, failed: 0, skipped: 0 });
    await handlerShows(store, place, "desk", { done: 80, waiting: 0 });
    for (const id of many) expect([id, mine().flatMap(({ lane, revision }) => (lane === `default.order-${id}` ? revision : []))]).toEqual([id, [0, 1, 2]]);
    const live = desk.history.calls.filter((call) => call.replayId === null);
    expect(checkHistory(live, countDeliveries(await logRows(place), "desk"))).toEqual([]);
  });
});
