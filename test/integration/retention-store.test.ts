/** Retention in a store with handlers: what holds events holds exactly its own, each with its reason, and the views forget what a rebuild does not see. */
import { expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import type { Config } from "../../src/config/config.ts";
import { defineHandler, Terminal } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { retentionStream } from "../../src/event/names.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import type { RetentionStreamData } from "../../src/records/retention.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { ArchiveRun } from "../../src/retention/run-report.ts";
import type { Store } from "../../src/store/store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logHead } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.number() }) });
const noted = defineEvent("chat.noted", { 1: z.object({ n: z.number() }) });
const dayMs = 86_400_000;
const until = (holds: () => boolean | Promise<boolean>) => vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 20_000, interval: 10 });

function aScene(log = temporaryFolder(), archive = temporaryFolder()) {
  const time = { days: 0 };
  const clock = { ...systemClock, now: () => Date.now() + time.days * dayMs };
  const calls: string[] = [];
  const on = { "order.placed": (event: { entity: { id: string }; revision: number }) => void calls.push(`${event.entity.id}@${event.revision}`) };
  const mailer = defineHandler({
    name: "mailer",
    events: [placed],
    retry: { maxAttempts: 1 },
    on: {
      "order.placed": ({ data: { n } }) => {
        if (n === 13) throw new Terminal("thirteen");
      },
    },
  });
  const config = (handlers: Config["handlers"]): Config => ({
    ...{ events: [placed, noted], handlers: handlers ?? [] },
    retention: { order: { afterDays: 10, archive: `file:${archive}` } },
  });
  const open = async (handlers: Config["handlers"]) => {
    const store = await openStore(config(handlers), { log: `sqlite:${log}`, clock });
    onTestFinished(() => store.close());
    await store.start();
    return store;
  };
  const crm = defineHandler({ name: "crm", events: [placed], on: { "order.placed": () => {} } });
  const late = defineHandler({ name: "late", events: [placed], startFrom: "beginning", on });
  /** Of all that the log has: views that are behind know of less that waits. */
  const settled = async (store: Store) => {
    await store.views.waitFor(logHead(log), 20_000);
    await until(async () =>
      (await store.views.handlers()).every(({ state, waiting, byStatus }) => state === "absent" || waiting === byStatus.dead_lettered + byStatus.held),
    );
  };
  return { time, open, mailer, crm, late, calls, settled };
}

async function run(store: Store, dryRun = false): Promise<ArchiveRun> {
  const { id } = await store.beginArchiveRun({ dryRun });
  let last = await store.archiveRun(id);
  await until(async () => (last = await store.archiveRun(id))!.state !== "running");
  expect(last!.why).toBeNull();
  return last!;
}

const append = (store: Store, id: string, count: number, n = 0) =>
  store.append(Array.from({ length: count }, () => ({ type: "order.placed", schemaVersion: 1, entity: { type: "order", id }, data: { n } })));

const heldIn = ({ held }: ArchiveRun) =>
  Object.fromEntries(held.map(({ reason, events, examples }) => [reason, [events, examples[0]!.entity.id, examples[0]!.revision]]));
const left = async (store: Store, id: string) => (await store.readEntity({ type: "order", id }, { limit: 100 })).events.map(({ revision }) => revision);

it("leaves what something holds, each with its reason, and what is behind it; a handler that comes later is given what is left", {
  timeout: 60_000,
}, async () => {
  const { time, open, mailer, crm, late, calls, settled } = aScene();
  const first = await open([mailer, crm]);
  await append(first, "done", 5);
  await append(first, "letter", 3);
  await append(first, "letter", 1, 13);
  await append(first, "letter", 1);
  await append(first, "planned", 4);
  await first.append([{ type: "chat.noted", schemaVersion: 1, entity: { type: "chat", id: "1" }, data: { n: 1 } }]);
  await settled(first);
  await first.close();

  const store = await open([mailer]); // crm is absent now
  await append(store, "absent", 2);
  await store.pauseHandler("mailer", { reason: "a test" });
  await append(store, "waits", 2);
  time.days = 20;
  await append(store, "done", 1); // young
  const dry = await run(store, true);
  expect(dry.rules[0]).toMatchObject({ entityType: "order", events: 12, entities: 3 });
  expect(heldIn(dry)).toMatchObject({ "dead letter of mailer": [2, "letter", 3] });
  expect(dry.held.some(({ reason }) => reason === "absent handler crm" || reason === "paused handler mailer")).toBe(true);
  await store.resumeHandler("mailer");
  await settled(store);
  const plan = await store.planReplay(toSelection({ history: { handler: "mailer", entityId: "planned" } }));

  const real = await run(store);
  expect(heldIn(real)).toMatchObject({
    ...{ "dead letter of mailer": [2, "letter", 3], [`open plan ${plan.planId}`]: [4, "planned", 0], "absent handler crm": [4, "absent", 0] },
  });
  expect(await left(store, "planned")).toEqual([0, 1, 2, 3]);
  expect(await left(store, "letter")).toEqual([3, 4]);
  expect(real).toMatchObject({ archived: 8, removed: 8, segments: 1, state: "completed" });

  // What held them is over, each thing by itself.
  await store.retireHandler("crm", { reason: "a test" });
  await store.discardBatch({ entityId: "letter" }, { reason: "a test" });
  time.days = 40; // and the plan has expired
  await settled(store);
  expect(await run(store)).toMatchObject({ held: [], archived: 11 });
  await store.close();

  const after = await open([mailer, late]);
  await append(after, "new", 1);
  await settled(after);
  await until(() => calls.includes("new@0"));
  expect(calls).toEqual(["new@0"]);
  const shown = async (name: string) => (await after.views.handlers()).find((handler) => handler.name === name)!;
  await until(async () => (await shown("late")).done === 1); // the call's record comes after it
  expect(await shown("late")).toMatchObject({ wanted: 1, byStatus: { skipped: 0 }, archived: { done: 0, missed: 19 } });
  expect(await shown("mailer")).toMatchObject({ archived: { done: 19, missed: 0 } });
  expect(await after.views.entity("default", { type: "order", id: "letter" })).toMatchObject({ archived: { events: 5, before: 5 } });
  expect(await after.views.entity("default", { type: "order", id: "new" })).toMatchObject({ archived: null });
  const archived = async () => (await after.views.handlers()).map((handler) => handler.archived);
  const before = await archived();
  await after.views.rebuild();
  expect(await archived()).toEqual(before);
});

it("says of a lane's hole that it is archived, where that is on record, and counts it so", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const { open, late, calls, settled } = aScene(folder);
  const store = await open([late]);
  await append(store, "a", 1);
  await until(() => calls.length === 1);
  await store.pauseEntity({ type: "order", id: "a" }, { reason: "a test" });
  await append(store, "a", 5);
  await append(store, "b", 1);
  await until(() => calls.length === 2);
  await store.close();

  const log = await openSqliteLog(folder);
  const lane = "default.order-a";
  // As a run does that was begun before the handler came. Another program takes one more away.
  const about = { runId: newId(), archive: "file:/a", segment: "1", after: "0", through: "99", streams: [[lane, 0, 4]] as const };
  const record = { ...about, handlers: {}, types: { "order.placed": { default: 4 } } } satisfies RetentionStreamData["retention.archived"];
  await log.append(retentionStream, [ownEvent(newId, "retention.archived", record)], "none");
  await log.truncate(lane, 5);
  await log.close();

  const again = await open([late]);
  await again.resumeEntity({ type: "order", id: "a" }, { reason: "a test" });
  await until(() => calls.length === 3);
  await settled(again);
  expect(calls).toEqual(["a@0", "b@0", "a@5"]);
  expect((await again.views.handlers())[0]).toMatchObject({ archived: { done: 0, missed: 4 } });
  await again.close();
  const read = await openSqliteLog(folder);
  const gaps: unknown[] = [];
  for await (const batch of read.readAll({ filter: { types: ["lane.gap"] } })) gaps.push(...batch.map(({ data }) => data));
  await read.close();
  expect(gaps).toEqual([
    { lane, from: 1, to: 3, why: "archived" },
    { lane, from: 4, to: 4, why: "missing" },
  ]);
});

it("has the same views after a rebuild of the shorter log as by forgetting step by step", { timeout: 60_000 }, async () => {
  const { time, open, mailer, crm, settled } = aScene();
  const store = await open([mailer, crm]);
  for (let n = 0; n < 8; n++) {
    await append(store, `o-${n}`, 3 + n * 20);
    await append(store, `o-${n}`, 1, n < 6 ? 13 : 1);
  }
  await settled(store);
  await store.discardBatch({ entityId: "o-1" }, { reason: "a test" });
  await store.discardBatch({ entityId: "o-2" }, { reason: "a test" });
  await store.replayBatch({ entityId: "o-3" }, { reason: "a test" });
  time.days = 20;
  await append(store, "o-1", 2);
  await append(store, "young", 2);
  await settled(store);
  const { archived } = await run(store);
  expect(archived).toBeGreaterThan(400);
  await append(store, "o-7", 70); // a whole entity went: it goes on at its own revisions
  await settled(store);
  const seen = async () => {
    const page = { limit: 1000 };
    const letters = await store.views.deadLetters({ tenant: "default" }, { limit: 100 });
    const entities = await store.views.entities({ tenant: "default" }, page);
    const events = await store.views.events({ tenant: "default" }, page);
    return {
      ...{ letters, events: events.events.map(({ id, entity, revision }) => [id, entity.id, revision]) },
      handlers: (await store.views.handlers()).map((handler) => ({ ...handler, lagSeconds: 0 })),
      entities: entities.entities,
      stats: await store.views.deadLetterStats({ tenant: "default" }),
      versions: store.views.storedVersions("default"),
    };
  };
  await store.views.waitFor((await append(store, "mark", 1))[0]!.position);
  await settled(store);
  const inStep = await seen();
  expect(inStep.events.some(([, id, revision]) => id === "o-7" && revision === 144 + 0)).toBe(true);
  expect(inStep.versions).toEqual([{ type: "order.placed", version: 1, events: inStep.events.length }]);
  await store.views.rebuild();
  expect(await seen()).toEqual(inStep);
});

it("forgets plans and replays that ended, and effects of events that went, after the longest time", { timeout: 60_000 }, async () => {
  const { time, open, mailer, settled } = aScene();
  const careful = defineHandler({
    ...{ name: "careful", events: [placed] },
    on: { "order.placed": async (_, { effect }) => void (await effect("mail", async () => "sent")) },
  });
  const store = await open([mailer, careful]);
  await append(store, "a", 3);
  await append(store, "young", 1);
  await settled(store);
  const plan = await store.planReplay(toSelection({ history: { handler: "mailer", entityId: "a" } }));
  await store.planReplay(toSelection({ history: { handler: "mailer", entityId: "young" } }));
  const { replayId } = await store.startReplay(plan.planId, { reason: "a test", terms: { mode: "run", effects: "once", canary: null, stopWhen: null } });
  await until(async () => (await store.replayState(replayId))?.status === "completed");
  time.days = 5;
  expect(await run(store)).toMatchObject({ archived: 0, forgotten: 0 });
  time.days = 30;
  expect(await run(store)).toMatchObject({ archived: 4, forgotten: 9, held: [] }); // two plans, a replay, four effects, the beginnings of two journals
  await store.views.waitFor((await append(store, "mark", 1))[0]!.position);
  expect((await store.views.replays("default", { limit: 10 })).replays).toEqual([]);
  await store.views.rebuild();
  expect((await store.views.replays("default", { limit: 10 })).replays).toEqual([]);
  expect(await run(store)).toMatchObject({ forgotten: 0 });
});
