/** What a user's code is given can be handed to `JSON.stringify`, also a part of it and a copy by spread. test/types/json-ready.test-d.ts holds the types to the same. */
import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { defineMigration } from "../../src/catalog/migration.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, Escalate, Terminal } from "../../src/delivery/handler.ts";
import { comparePositions, positionText } from "../../src/event/event.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { StoreCore } from "../../src/store/store.ts";
import type { Views } from "../../src/views/model/views.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

/** The value, each member alone, and a copy of each object: none throws, and no place holds a bigint. */
function walk(name: string, value: unknown): void {
  expect(() => JSON.stringify(value), name).not.toThrow();
  expect(typeof value, name).not.toBe("bigint");
  if (typeof value !== "object" || value === null) return;
  expect(() => JSON.stringify({ ...value }), `a copy of ${name}`).not.toThrow();
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  for (const [key, inner] of entries) walk(`${name}.${String(key)}`, inner);
}

const seen: { readonly name: string; readonly value: unknown }[] = [];
const see = (name: string, value: unknown): void => void seen.push({ name, value }, { name: `a copy of ${name}`, value: { ...(value as object) } });

const fields = z.object({ n: z.int() });
const placed = defineEvent("order.placed", { 1: fields, 2: fields }, { downcast: { version: 1, data: (data) => data } });
const config = (...names: readonly string[]) =>
  defineConfig({
    events: [placed],
    integrations: [{ name: "bank" }],
    upcasters: [
      defineUpcasters(placed, {
        1: (data, event) => {
          see("a step's event", event);
          return data;
        },
      }),
    ],
    migrations: [
      defineMigration({
        name: "mend",
        event: placed,
        version: 1,
        migrate: (data, event) => {
          see("a migration's event", event);
          return { n: data.n + 100 };
        },
      }),
    ],
    handlers: names.map((name) =>
      defineHandler({
        ...{ name, events: [placed], startFrom: "beginning", retry: { maxAttempts: 2, initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 } },
        on: {
          "order.placed": async (event, context) => {
            see("a handler's event", event);
            see("a handler's context", context);
            see("an effect's result", { kept: await context.effect("seen", () => ({ at: event.position })) });
            if (event.data.n === 1) throw new Terminal("no");
            if (event.data.n === 2) throw new Error("later");
            if (event.data.n === 3 && context.approval === null) throw new Escalate("shall it be?");
          },
        },
      }),
    ),
  });
const entity = (id: string) => ({ type: "order", id });
const order = (id: string, n: number) => ({ type: "order.placed", schemaVersion: 1, entity: entity(id), data: { n } });
/** Eight dead letters, and two deliveries that wait. */
const letters = ["a", "b", "c", "d", "e", "f", "g", "h"];

it("JSON.stringify takes all that a store answers, and all that handlers, steps and migrations are given", async () => {
  const folder = temporaryFolder();
  const first = await startStore(config("ledger", "gone"), folder);
  await first.append(order("a", 0));
  await first.close();
  const store = await startStore(config("ledger"), folder);
  const { views } = store;
  const appended = await store.append([...letters.map((id) => order(id, 1)), order("x", 2), order("y", 2)]);
  expect(appended[0]!.position).toMatch(/^\d+$/);
  expect([...appended].sort((a, b) => comparePositions(b.position, a.position))[0]!.position).toBe(appended.at(-1)!.position);
  await expect.poll(async () => (await views.deadLetters({ tenant: "default" }, { limit: 1 })).total, { timeout: 20_000 }).toBe(letters.length);
  const [a, , c, d, e] = appended.map(({ id }) => id);
  const tenant = "default";
  const find = async (n: number) => (await views.deliveriesOf(tenant, appended[n]!.id)).find(({ handler }) => handler === "ledger")!.deliveryId;
  await views.waitFor(appended.at(-1)!.position);
  await expect.poll(async () => (await views.deliveriesOf(tenant, appended[8]!.id)).find(({ handler }) => handler === "ledger")?.status).toBe("failed");
  await store.append([order("k", 3), order("l", 3)]);
  const askedNow = async () => (await views.escalations({ tenant: "default", status: "open" }, { limit: 10 })).escalations;
  await expect.poll(async () => (await askedNow()).length).toBe(2);
  const asked = await askedNow();
  const reason = "seen";
  const page = { limit: 10 };
  const own = { planId: "", replayId: "", runId: "" };

  const groupOf = async () => (await views.errorGroups({ tenant, handler: "ledger" }, page)).groups[0]!.fingerprint;
  // Typed by all names: a new one does not compile until it is walked.
  const ofViews: { readonly [Name in Exclude<keyof Views, "close" | "rebuild">]: () => unknown } = {
    position: () => views.position(),
    waitFor: () => views.waitFor(appended[0]!.position),
    event: () => views.event(tenant, a!),
    events: () => views.events({ tenant }, page),
    locate: () => views.locate(tenant, [a!]),
    present: () => [],
    entity: () => views.entity(tenant, entity("a")),
    escalations: () => views.escalations({ tenant }, page),
    escalation: async () => views.escalation(tenant, (await views.escalations({ tenant }, page)).escalations[0]!.deliveryId),
    openEscalations: () => views.openEscalations(tenant),
    dueEscalations: () => views.dueEscalations(tenant, "2999-01-01T00:00:00Z", 10),
    entities: () => views.entities({ tenant }, page),
    errorGroups: () => views.errorGroups({ tenant }, page),
    findErrorGroups: async () => views.findErrorGroups(tenant, await groupOf()),
    errorGroup: async () => views.errorGroup({ tenant, handler: "ledger", fingerprint: await groupOf() }),
    deadLetters: () => views.deadLetters({ tenant }, page),
    findDeadLetters: () => views.findDeadLetters(tenant, a!),
    oldestDeadLetters: () => views.oldestDeadLetters({ tenant }, 10),
    deadLettersOf: () => views.deadLettersOf(tenant, [a!]),
    heldLanes: () => views.heldLanes([{ handler: "ledger", stream: "default.order-a" }]),
    history: () => views.history({ tenant, handler: "ledger", types: ["order.placed"], fromPosition: appended[0]!.position }, 10),
    deadLettersSince: () => views.deadLettersSince({ tenant }, ["ledger"], appended[0]!.position, own.replayId),
    deadLetterAges: () => views.deadLetterAges(),
    deadLetterStats: () => views.deadLetterStats({ tenant }),
    oldestLetterAt: () => views.oldestLetterAt({ tenant }),
    deliveriesOf: () => views.deliveriesOf(tenant, a!),
    recordedDelivery: async () => views.recordedDelivery(tenant, await find(0)),
    unknownName: () => views.unknownName({ handler: "crm" }),
    storedVersions: () => views.storedVersions("default"),
    lastHour: () => views.lastHour("default"),
    handlers: () => views.handlers(),
    replay: () => views.replay(tenant, own.replayId),
    replays: () => views.replays(tenant, page),
    ownOutcomes: () => views.ownOutcomes("default", own.replayId, 0, 10),
    replayOutcomes: () => views.replayOutcomes("default", own.replayId),
    replayOutcome: () => views.replayOutcome("default", own.replayId, { handler: "ledger", stream: "default.order-c", revision: 0 }),
    openReplays: () => views.openReplays(),
  };
  const ofStore: { readonly [Name in Exclude<keyof StoreCore, "start" | "close" | "views" | "catalog" | "requests" | "following">]: () => unknown } = {
    archivedEvent: () => store.archivedEvent(tenant, a!),
    restoreArchived: () => store.restoreArchived({ entity: entity("a") }).catch(() => null),
    archivedSegments: () => store.archivedSegments(page),
    logId: () => store.logId,
    metrics: () => store.metrics?.page("text"),
    notReady: () => store.notReady(),
    warnings: () => store.warnings(),
    probe: () => store.probe(),
    append: () => store.append({ ...order("z", 0), id: a! }).catch((error: unknown) => error),
    readEntity: () => store.readEntity(entity("a")),
    replay: () => store.replay(a!),
    replayBatch: () => store.replayBatch({ entityId: "b" }),
    planReplay: async () => {
      const plan = await store.planReplay(toSelection({ ids: [c!] }));
      own.planId = plan.planId;
      return [plan, await store.planReplay(toSelection({ history: { handler: "ledger", fromPosition: appended[0]!.position } }))];
    },
    replayPlan: () => store.replayPlan(own.planId),
    startReplay: async () => {
      const started = await store.startReplay(own.planId, { reason, terms: { ...runTerms, ratePerSecond: 0.01 } });
      own.replayId = started.replayId;
      return started;
    },
    replayState: () => store.replayState(own.replayId),
    replayStates: () => store.replayStates({ limit: 10 }),
    replayReport: () => store.replayReport(own.replayId, { limit: 10 }),
    setReplayRate: () => store.setReplayRate(own.replayId, 0.02).catch((error: unknown) => error),
    actOnReplay: () => store.actOnReplay(own.replayId, "cancel").catch((error: unknown) => error),
    amend: () => store.amend(d!, { data: { n: 5 }, reason }),
    discard: () => store.discard(d!, { reason }),
    discardBatch: () => store.discardBatch({ entityId: "h" }, { reason }),
    pauseHandler: () => store.pauseHandler("ledger"),
    repairHandler: () => store.repairHandler("ledger", { reason }).catch((error: unknown) => error),
    resumeHandler: () => store.resumeHandler("ledger"),
    integrations: () => store.integrations(),
    isolateIntegration: () => store.isolateIntegration("bank"),
    resetIntegration: () => store.resetIntegration("bank"),
    resolveErrorGroup: async () => store.resolveErrorGroup(await groupOf(), { build: "2" }),
    ignoreErrorGroup: async () => store.ignoreErrorGroup(await groupOf()),
    reopenErrorGroup: async () => store.reopenErrorGroup(await groupOf()),
    pauseEntity: () => store.pauseEntity(entity("f")),
    resumeEntity: () => store.resumeEntity(entity("f")),
    retryEntity: () => store.retryEntity(entity("x")),
    giveUp: async () => store.giveUp(await find(9), { reason }),
    approveEscalation: () => store.approveEscalation(asked[0]!.deliveryId, { reason }),
    rejectEscalation: () => store.rejectEscalation(asked[1]!.deliveryId, { reason }),
    repartitionHandler: () => store.repartitionHandler("ledger", 2),
    retireHandler: () => store.retireHandler("gone", { reason }),
    beginArchiveRun: async () => {
      const run = await store.beginArchiveRun({ dryRun: true });
      own.runId = run.id;
      return run;
    },
    archiveRun: () => store.archiveRun(own.runId),
    rebuildViews: () => store.rebuildViews(),
    cluster: () => store.cluster(),
    drainInstance: () => store.drainInstance(store.cluster().instance).catch((error: unknown) => error),
    drain: () => store.drain(),
  };
  walk("append", appended);
  walk("replay with a migration", await store.replay(e!, { migration: "mend" }));
  for (const [name, call] of [...Object.entries(ofStore), ...Object.entries(ofViews)]) walk(name, await call());
  const { events } = await store.readEntity(entity("a"));
  walk("catalog", [store.catalog.current(seen.find(({ name }) => name === "a step's event")!.value as never), store.catalog.describe("order.placed")]);
  expect(events[0]!.position).toMatch(/^\d+$/);
  for (const { name, value } of seen) walk(name, value);
  expect(new Set(seen.map(({ name }) => name))).toEqual(
    new Set(
      ["a step's event", "a migration's event", "a handler's event", "a handler's context", "an effect's result"].flatMap((name) => [
        name,
        `a copy of ${name}`,
      ]),
    ),
  );
  await store.close();
}, 120_000);

it("a position as a text has all of its digits, also where a number would round it", () => {
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  for (const position of [0n, 1n, safe - 1n, safe, safe + 1n, safe + 2n, safe + 3n, 2n ** 63n - 1n, 2n ** 64n]) {
    expect(positionText(position)).toBe(position.toString());
    expect(positionText(positionText(position))).toBe(position.toString());
  }
});
