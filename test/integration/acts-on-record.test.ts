/** Every act of an operator, with its record refused, lost, delayed, and the log away: what is in force is what is on record, and what was refused never comes. */
import { describe, expect, it, vi } from "vitest";
import { actPatienceMs } from "../../src/delivery/journal/patience.ts";
import { isRepriseError, RepriseError } from "../../src/errors.ts";
import { type Clock, systemClock } from "../../src/event/clock.ts";
import type { NewEvent } from "../../src/event/event.ts";
import type { AppendedEvent, EventLog } from "../../src/log/event-log.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { StoreCore } from "../../src/store/store.ts";
import { type ActsScene, entity, escalated, openActsScene, order } from "../support/acts-scene.ts";
import { readLogRows } from "../support/history-checker.ts";
import { runTerms } from "../support/replay-scene.ts";
import { logHead } from "../support/test-store.ts";

type Append = (events: readonly NewEvent[], store: () => Promise<readonly AppendedEvent[]>) => Promise<readonly AppendedEvent[]>;
const honest: Append = (_events, store) => store();
const log = vi.hoisted(() => ({ append: null as unknown, met: Promise.resolve() }));
vi.mock("../../src/log/sqlite/open-sqlite-log.ts", async (original) => {
  const real = await original<typeof import("../../src/log/sqlite/open-sqlite-log.ts")>();
  return {
    ...real,
    async openSqliteLog(...args: Parameters<typeof real.openSqliteLog>): Promise<EventLog> {
      const opened = await real.openSqliteLog(...args);
      return Object.assign(Object.create(opened) as EventLog, {
        append: (...of: Parameters<EventLog["append"]>) => ((log.append ?? honest) as Append)(of[1], () => opened.append(...of)),
      });
    },
  };
});

/** As the system's, but that an act's patience passes in a moment once it has met the fault that is planted. */
const hasty: Clock = {
  ...systemClock,
  after(ms, wake) {
    if (ms !== actPatienceMs || log.append === null) return systemClock.after(ms, wake);
    let timer: ReturnType<Clock["after"]> | null = null;
    let isCancelled = false;
    void log.met.then(() => void (isCancelled || (timer = systemClock.after(50, wake))));
    return {
      cancel() {
        isCancelled = true;
        timer?.cancel();
      },
    };
  },
};

type Scene = ActsScene;
const open = () => openActsScene(hasty);

/** What of a store is no act, and what other tests walk: the repair of a journal (journal-repair.test.ts) and a division (repartition.test.ts). A new method is an act until it is named here, and has to be walked below. */
type NoAct = "catalog" | "following" | "views" | "logId" | "metrics" | "requests" | "append" | "readEntity" | "archivedEvent" | "archivedSegments" | "restoreArchived" | "start" | "notReady" | "warnings" | "probe" | "close" | "replayPlan" | "replayState" | "replayStates" | "replayReport" | "repairHandler" | "repartitionHandler" | "integrations" | "cluster" | "drain" | "drainInstance" | "beginArchiveRun" | "archiveRun"; // biome-ignore format: one line

interface Act {
  /** Type of its record. */
  readonly record: string;
  readonly arrange?: (scene: Scene) => Promise<string>;
  readonly act: (scene: Scene) => Promise<unknown>;
  /** Whether it is in force, by what the process does. Without it: what is on record is in force. */
  readonly inForce?: (scene: Scene) => Promise<boolean>;
}

const because = { reason: "a test" };
const soon = async (holds: () => boolean): Promise<boolean> => {
  for (let looks = 0; looks < 10 && !holds(); looks++) await new Promise((resolve) => setTimeout(resolve, 10));
  return holds();
};
/** Whether an event of the entity that is appended now is delivered. */
async function flows({ store, calls }: Scene, id: string): Promise<boolean> {
  const [appended] = await store.append(order(id));
  return soon(() => calls.some((call) => call.id === id && call.revision === appended!.revision));
}
const released = ({ calls }: Scene) => soon(() => calls.some(({ id, revision }) => id === "a" && revision === 1));
const replayed = ({ calls }: Scene) => soon(() => calls.some(({ replayId }) => replayId !== null));
const slowBatch = async ({ store }: Scene) => (await store.replayBatch({ handler: "mailer" }, { ...because, ratePerSecond: 0.001, patienceMs: 1 })).replayId;
const planned = async ({ store }: Scene) => (await store.planReplay(toSelection({ deadLetters: { handler: "mailer" } }))).planId;
const statusOf = async ({ store, made }: Scene) => (await store.replayState(made))?.status;

const groupOf = async ({ store }: Scene) =>
  (await store.views.deadLetters({ tenant: "default", handler: "mailer" }, { limit: 1, data: false })).events[0]!.fingerprint;
const stateOf = async ({ store, folder, made }: Scene) => {
  await store.views.waitFor(logHead(folder));
  return (await store.views.findErrorGroups("default", made))[0]!.state;
};

const acts: { readonly [M in Exclude<keyof StoreCore, NoAct>]: readonly Act[] } = {
  pauseHandler: [{ record: "handler.paused", act: ({ store }) => store.pauseHandler("mailer"), inForce: async (scene) => !(await flows(scene, "d")) }],
  resumeHandler: [
    {
      ...{ record: "handler.resumed", arrange: async ({ store }) => String(await store.pauseHandler("mailer")) },
      ...{ act: ({ store }) => store.resumeHandler("mailer"), inForce: (scene) => flows(scene, "d") },
    },
  ],
  isolateIntegration: [{ record: "integration.isolated", act: ({ store }) => store.isolateIntegration("mail"), inForce: async (scene) => !(await flows(scene, "d")) }], // biome-ignore format: one line
  resetIntegration: [
    {
      ...{ record: "integration.reset", arrange: async ({ store }) => String(await store.isolateIntegration("mail")) },
      ...{ act: ({ store }) => store.resetIntegration("mail"), inForce: (scene) => flows(scene, "d") },
    },
  ],
  resolveErrorGroup: [
    {
      ...{ record: "error_group.resolved", arrange: groupOf, act: ({ store, made }) => store.resolveErrorGroup(made, { ...because, build: "2" }) },
      inForce: async (scene) => (await stateOf(scene)) === "resolved",
    },
  ],
  ignoreErrorGroup: [
    {
      ...{ record: "error_group.ignored", arrange: groupOf, act: ({ store, made }) => store.ignoreErrorGroup(made, because) },
      inForce: async (scene) => (await stateOf(scene)) === "ignored",
    },
  ],
  reopenErrorGroup: [
    {
      ...{ record: "error_group.reopened", act: ({ store, made }) => store.reopenErrorGroup(made, because) },
      arrange: async (scene) => {
        const group = await groupOf(scene);
        await scene.store.ignoreErrorGroup(group);
        return group;
      },
      inForce: async (scene) => (await stateOf(scene)) === "open",
    },
  ],
  pauseEntity: [{ record: "lane.paused", act: ({ store }) => store.pauseEntity(entity("d"), { handler: "mailer" }), inForce: async (scene) => !(await flows(scene, "d")) }], // biome-ignore format: one line
  resumeEntity: [
    {
      ...{ record: "lane.resumed", arrange: async ({ store }) => String(await store.pauseEntity(entity("d"), { handler: "mailer" })) },
      ...{ act: ({ store }) => store.resumeEntity(entity("d"), { handler: "mailer" }), inForce: (scene) => flows(scene, "d") },
    },
  ],
  retryEntity: [{ record: "lane.retried", act: ({ store }) => store.retryEntity(entity("c"), { handler: "mailer" }), inForce: ({ calls }) => soon(() => calls.some(({ id }) => id === "c")) }], // biome-ignore format: one line
  amend: [
    {
      record: "delivery.amended",
      act: ({ store, letter }) => store.amend(letter, { ...because, handler: "mailer", data: { kind: "well" } }),
      inForce: async ({ store, letter }) => (await store.replay(letter, { handler: "mailer" })).status === "replayed",
    },
  ],
  discard: [{ record: "delivery.settled", act: ({ store, letter }) => store.discard(letter, { ...because, handler: "mailer" }), inForce: released }],
  discardBatch: [{ record: "delivery.settled", act: ({ store }) => store.discardBatch({ handler: "mailer", entityId: "a" }, because), inForce: released }],
  approveEscalation: [
    {
      ...{ record: "delivery.decided", arrange: escalated, act: ({ store, made }) => store.approveEscalation(made, because) },
      inForce: ({ calls }) => soon(() => calls.some(({ id, replayId }) => id === "e" && replayId !== null)),
    },
  ],
  rejectEscalation: [
    {
      ...{ record: "delivery.settled", arrange: escalated, act: ({ store, made }) => store.rejectEscalation(made, because) },
      inForce: (scene) => flows(scene, "e"),
    },
  ],
  giveUp: [
    {
      record: "delivery.dead_lettered",
      act: ({ store, late }) => store.giveUp(late.deliveryId, because),
      inForce: async ({ store, late, folder }) => {
        await store.views.waitFor(logHead(folder));
        // An answer that was lost is found by the next append, a moment later.
        for (let tries = 0; tries < 3; tries++) {
          const refused = await store.discard(late.id, { ...because, handler: "mailer" }).catch((error: unknown) => error);
          if (!isRepriseError(refused)) return true;
          await soon(() => false);
        }
        return false;
      },
    },
  ],
  retireHandler: [{ record: "handler.retired", act: ({ store }) => store.retireHandler("gone", because) }],
  replay: [{ record: "replay.requested", act: ({ store, letter }) => store.replay(letter, { handler: "mailer" }), inForce: replayed }],
  replayBatch: [{ record: "replay.requested", act: ({ store }) => store.replayBatch({ handler: "mailer" }), inForce: replayed }],
  planReplay: [{ record: "plan.made", act: planned }],
  startReplay: [
    {
      ...{ record: "plan.used", arrange: planned },
      ...{ act: ({ store, made }) => store.startReplay(made, { ...because, terms: runTerms }), inForce: replayed },
    },
  ],
  actOnReplay: [
    {
      ...{ record: "replay.pausing", arrange: slowBatch, act: ({ store, made }) => store.actOnReplay(made, "pause") },
      inForce: async (scene) => (await statusOf(scene)) !== "running",
    },
    {
      record: "replay.resumed",
      arrange: async (scene) => {
        const replayId = await slowBatch(scene);
        await scene.store.actOnReplay(replayId, "pause");
        await expect.poll(async () => (await scene.store.replayState(replayId))?.status).toBe("paused");
        return replayId;
      },
      act: ({ store, made }) => store.actOnReplay(made, "resume"),
      inForce: async (scene) => (await statusOf(scene)) === "running",
    },
    {
      ...{ record: "replay.cancelling", arrange: slowBatch, act: ({ store, made }) => store.actOnReplay(made, "cancel") },
      inForce: async (scene) => ["cancelling", "cancelled"].includes((await statusOf(scene)) ?? ""),
    },
  ],
  setReplayRate: [
    {
      ...{ record: "replay.rate_changed", arrange: slowBatch, act: ({ store, made }) => store.setReplayRate(made, null) },
      inForce: ({ calls }) => soon(() => new Set(calls.filter(({ replayId }) => replayId !== null).map(({ id }) => id)).size === 2),
    },
  ],
  rebuildViews: [{ record: "views.rebuild_requested", act: ({ store }) => store.rebuildViews() }],
};

const away = () => new RepriseError("LOG_UNAVAILABLE", "The log is away.", { retryAfterMs: 1000 });
const full = () => new RepriseError("LOG_FULL", "The disk is full.");
type Fault = "refused" | "full" | "lost" | "delayed" | "away";

/** Makes the append of a record go wrong, once, or (`away`) all appends until it is lifted. */
function plant(fault: Fault, record: string): { lift(): void } {
  const { promise: gate, resolve: lift } = Promise.withResolvers<void>();
  const meeting = Promise.withResolvers<void>();
  log.met = meeting.promise;
  let met = false;
  log.append = (async (events, store) => {
    if (fault === "away") {
      meeting.resolve();
      throw away();
    }
    if (met || !events.some(({ type }) => type === record)) return store();
    met = true;
    meeting.resolve();
    if (fault === "refused") throw away();
    if (fault === "full") throw full();
    if (fault === "delayed") await gate;
    const stored = await store();
    if (fault === "lost") throw away();
    return stored;
  }) satisfies Append;
  return {
    lift() {
      if (fault === "away") log.append = null;
      lift();
    },
  };
}

describe.each(Object.entries(acts).flatMap(([name, rows]) => rows.map((row) => ({ name, ...row }))))("$name ($record)", ({ record, arrange, act, inForce }) => {
  it.each(["refused", "full", "lost", "delayed", "away"] as const)("with its record %s", async (fault) => {
    log.append = null;
    const scene = await open();
    if (arrange !== undefined) scene.made = await arrange(scene);
    await scene.store.views.waitFor(logHead(scene.folder)); // an act that waits for the views has little patience here
    const count = () => readLogRows(scene.folder).filter(({ type }) => type === record).length;
    const before = count();
    const planted = plant(fault, record);
    const startedMs = performance.now();
    const outcome = await act(scene).then(
      () => "done",
      (error: unknown) => error,
    );
    expect(performance.now() - startedMs).toBeLessThan(3000);
    if (outcome !== "done") expect(isRepriseError(outcome) && outcome.kind === "unavailable", String(outcome)).toBe(true);
    else expect(fault).toBe("lost"); // what is on record is done, and may be answered so
    if (fault !== "lost") expect(count()).toBe(before);
    planted.lift();
    const isStored = fault === "lost" || fault === "delayed";
    await expect.poll(count).toBe(before + Number(isStored));
    log.append = null; // what is asked below has the patience of everyday
    // The record is seen on the disk before the process has heard of it.
    if (inForce !== undefined) await expect.poll(() => inForce(scene), { timeout: 25_000 }).toBe(isStored);
    if (!isStored && inForce === undefined) expect(count()).toBe(before);
    log.append = null;
  });
});
