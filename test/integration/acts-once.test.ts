/**
 * Every acting route, made from the table of routes, with its answer lost after its record was stored: the request that comes again, in the same process and in
 * the next one, finds what it has done and does not do it again. A route that is added needs a row here.
 */
import type { FastifyInstance } from "fastify";
import { describe, expect, it, vi } from "vitest";
import { actPatienceMs } from "../../src/delivery/journal/patience.ts";
import { RepriseError } from "../../src/errors.ts";
import { type Clock, systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { journalStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openLog } from "../../src/log/open-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { toSelection } from "../../src/replay/selection.ts";
import { type ActsScene, escalated, openActsScene, order } from "../support/acts-scene.ts";
import { tableOf } from "../support/described.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { readLogRows } from "../support/history-checker.ts";
import { serverOver } from "../support/http.ts";
import { someOf } from "../support/sizes.ts";
import { logHead } from "../support/test-store.ts";

const plan = vi.hoisted(() => ({ refused: null as string | null }));
vi.mock("../../src/log/sqlite/open-sqlite-log.ts", async (original) => {
  const real = await original<typeof import("../../src/log/sqlite/open-sqlite-log.ts")>();
  return {
    ...real,
    async openSqliteLog(...args: Parameters<typeof real.openSqliteLog>): Promise<EventLog> {
      const opened = await real.openSqliteLog(...args);
      return Object.assign(Object.create(opened) as EventLog, {
        async append(...of: Parameters<EventLog["append"]>) {
          if (of[1].some(({ type }) => type === plan.refused)) throw new RepriseError("LOG_UNAVAILABLE", "The log is away.", { retryAfterMs: 1000 });
          return opened.append(...of);
        },
      });
    },
  };
});

/** As the system's, but that an act's patience passes in a moment while a fault is planted. */
const hasty: Clock = { ...systemClock, after: (ms, wake) => systemClock.after(ms === actPatienceMs && plan.refused !== null ? 100 : ms, wake) };

type Scene = ActsScene;

interface Row {
  /** Type of its record. */
  readonly record: string;
  /** How many records it has; default: one. */
  readonly records?: number;
  readonly arrange?: (scene: Scene) => Promise<string>;
  readonly url: (scene: Scene) => string;
  readonly body?: (scene: Scene) => object;
  /** Members of the answer that tell what is now, and not what was done. */
  readonly ofNow?: readonly string[];
}

const because = { reason: "a test" };
const slowBatch = async ({ store }: Scene) => (await store.replayBatch({ handler: "mailer" }, { ...because, ratePerSecond: 0.001, patienceMs: 1 })).replayId;
const paused = async (scene: Scene) => {
  const replayId = await slowBatch(scene);
  await scene.store.actOnReplay(replayId, "pause");
  await expect.poll(async () => (await scene.store.replayState(replayId))?.status).toBe("paused");
  return replayId;
};
const groupOf = async ({ store }: Scene) =>
  (await store.views.deadLetters({ tenant: "default", handler: "mailer" }, { limit: 1, data: false })).events[0]!.fingerprint;
const foreignInJournal = async ({ store, folder, reopen }: Scene) => {
  await store.close();
  const log = await openLog(`sqlite:${folder}`, {});
  await log.append(journalStream("mailer"), [{ ...ownEvent(newId, "note.taken", {}), source: "notes" }], "any");
  await log.close();
  await reopen();
  return "";
};

const rows: Readonly<Record<string, Row>> = {
  "POST /events": { record: "order.placed", url: () => "/events", body: () => order("new") },
  "POST /admin/dlq/:id/replay": { record: "replay.requested", url: ({ letter }) => `/admin/dlq/${letter}/replay?handler=mailer`, ofNow: ["position"] },
  "POST /admin/dlq/:id/amend": { record: "delivery.amended", url: ({ letter }) => `/admin/dlq/${letter}/amend?handler=mailer`, body: () => ({ ...because, data: { kind: "well" } }) }, // biome-ignore format: one line
  "POST /admin/dlq/:id/discard": { record: "delivery.settled", url: ({ letter }) => `/admin/dlq/${letter}/discard?handler=mailer`, body: () => because, ofNow: ["waiting", "waiting_events", "acts"] }, // biome-ignore format: one line
  "POST /admin/dlq/replay-batch": { record: "replay.requested", url: () => "/admin/dlq/replay-batch?handler=mailer&max_events=1", ofNow: ["position"] },
  "POST /admin/dlq/discard-batch": {
    record: "delivery.settled",
    url: () => "/admin/dlq/discard-batch?handler=mailer&max_events=1",
    body: () => because,
    ofNow: ["position"],
  },
  "POST /admin/escalations/:id/approve": { record: "delivery.decided", arrange: escalated, url: ({ made }) => `/admin/escalations/${made}/approve`, body: () => because }, // biome-ignore format: one line
  "POST /admin/escalations/:id/reject": { record: "delivery.settled", arrange: escalated, url: ({ made }) => `/admin/escalations/${made}/reject`, body: () => because }, // biome-ignore format: one line
  "POST /deliveries/:id/give-up": { record: "delivery.dead_lettered", url: ({ late }) => `/deliveries/${late.deliveryId}/give-up`, body: () => because },
  // A plan changes nothing: one whose answer was lost is of no use to anybody, and another is made.
  "POST /replays/plan": { record: "plan.made", records: 2, url: () => "/replays/plan", body: () => ({ selection: { dead_letters: { handler: "mailer" } } }), ofNow: ["plan_id", "created_at", "expires_at", "cutoff_position"] }, // biome-ignore format: one line
  "POST /replays": {
    ...{ record: "plan.used", url: () => "/replays", ofNow: ["status"] },
    arrange: async ({ store }) => (await store.planReplay(toSelection({ deadLetters: { handler: "mailer" } }))).planId,
    body: ({ made }) => ({ ...because, plan_id: made, mode: "run" }),
  },
  "POST /replays/:id/pause": { record: "replay.pausing", arrange: slowBatch, url: ({ made }) => `/replays/${made}/pause`, ofNow: ["status"] },
  "POST /replays/:id/resume": { record: "replay.resumed", arrange: paused, url: ({ made }) => `/replays/${made}/resume` },
  "POST /replays/:id/cancel": { record: "replay.cancelling", arrange: slowBatch, url: ({ made }) => `/replays/${made}/cancel`, ofNow: ["position", "status"] },
  "PATCH /replays/:id": { record: "replay.rate_changed", arrange: paused, url: ({ made }) => `/replays/${made}`, body: () => ({ rate_per_second: 0.002 }) },
  "POST /handlers/:name/pause": { record: "handler.paused", url: () => "/handlers/mailer/pause" },
  "POST /handlers/:name/resume": {
    record: "handler.resumed",
    arrange: async ({ store }) => store.pauseHandler("mailer"),
    url: () => "/handlers/mailer/resume",
  },
  "POST /handlers/:name/retire": { record: "handler.retired", url: () => "/handlers/gone/retire", body: () => because },
  "POST /handlers/:name/repair": { record: "handler.repaired", arrange: foreignInJournal, url: () => "/handlers/mailer/repair", body: () => because },
  "POST /integrations/:name/isolate": { record: "integration.isolated", url: () => "/integrations/mail/isolate" },
  "POST /integrations/:name/reset": {
    ...{ record: "integration.reset", url: () => "/integrations/mail/reset" },
    arrange: async ({ store }) => store.isolateIntegration("mail"),
  },
  "POST /admin/errors/:fingerprint/resolve": {
    ...{ record: "error_group.resolved", arrange: groupOf, url: ({ made }) => `/admin/errors/${made}/resolve` },
    body: () => ({ ...because, build: "2" }),
  },
  "POST /admin/errors/:fingerprint/ignore": {
    ...{ record: "error_group.ignored", arrange: groupOf, url: ({ made }) => `/admin/errors/${made}/ignore` },
    body: () => ({ until: new Date(Date.now() + 3_600_000).toISOString() }),
  },
  "POST /admin/errors/:fingerprint/reopen": { record: "error_group.reopened", arrange: groupOf, url: ({ made }) => `/admin/errors/${made}/reopen` },
  "POST /entities/:type/:id/pause": { record: "lane.paused", url: () => "/entities/order/d/pause?handler=mailer" },
  "POST /entities/:type/:id/resume": {
    ...{ record: "lane.resumed", url: () => "/entities/order/d/resume?handler=mailer" },
    arrange: async ({ store }) => (await store.pauseEntity({ type: "order", id: "d" }, { handler: "mailer" })).position,
  },
  "POST /entities/:type/:id/retry": { record: "lane.retried", url: () => "/entities/order/c/retry?handler=mailer" },
  "POST /views/rebuild": { record: "views.rebuild_requested", url: () => "/views/rebuild" },
};

const openScene = () => openActsScene(hasty);

const key = "the one key";
const send = (app: FastifyInstance, method: string, url: string, body: object | undefined) =>
  app.inject({ method: method as "POST", url, headers: { "idempotency-key": key }, ...(body === undefined ? {} : { payload: body }) });

function without(body: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

it("has a row for each acting route", async () => {
  const app = serverOver(makeFakeStore());
  const table = tableOf(app);
  await app.ready();
  // A console's session leaves no record, and has nothing to be done once. A run that archives events goes on where an earlier one was, a restore brings back
  // what is not back yet, who drains already goes on draining, and a handler that is divided so already is left as it is.
  const others = ["/console/session", "/archive/runs", "/archive/restores", "/cluster/:instance/drain", "/handlers/:name/repartition"];
  const acting = table.filter(({ contract, url }) => contract.bodies !== null && !others.includes(url)).map(({ method, url }) => `${method} ${url}`);
  expect(new Set(acting)).toEqual(new Set(Object.keys(rows)));
});

describe.each(Object.entries(rows))("%s", (route, { record, records = 1, arrange, url, body, ofNow = [] }) => {
  const method = route.split(" ")[0]!;

  it.each(someOf(1, ["the next process", "the same process"]))("refused first, then with its answer lost, is answered by %s, and done once", async (which) => {
    const scene = await openScene();
    if (arrange !== undefined) scene.made = await arrange(scene);
    const count = () => readLogRows(scene.folder).filter(({ type }) => type === record).length;
    const before = count();
    const [at, asked] = [url(scene), body?.(scene)];
    let app = serverOver(scene.store);
    plan.refused = record;
    expect((await send(app, method, at, asked)).statusCode).toBe(503);
    expect(count()).toBe(before);
    plan.refused = "request.answered";
    let first = await send(app, method, at, asked);
    // A lane waits for a moment after its journal was away.
    await expect.poll(async () => (first.statusCode === 503 ? (first = await send(app, method, at, asked)) : first).statusCode).toBeLessThan(300);
    plan.refused = null;
    expect(count()).toBe(before + 1);
    if (which === "the next process") {
      const next = await scene.reopen();
      await next.views.waitFor(logHead(scene.folder)); // a status is that of the views
      app = serverOver(next);
    }
    const again = await send(app, method, at, asked);
    expect(again.statusCode, again.body).toBeLessThan(300);
    expect(again.headers["idempotent-replayed"]).toBeUndefined();
    expect(without(again.json(), ofNow)).toEqual(without(first.json(), ofNow));
    expect(count()).toBe(before + records);
    const third = await send(app, method, at, asked);
    expect([third.statusCode, third.body, third.headers["idempotent-replayed"]]).toEqual([again.statusCode, again.body, "true"]);
    expect([third.headers.location, third.headers["content-type"]]).toEqual([again.headers.location, again.headers["content-type"]]);
    expect(count()).toBe(before + records);
  });
});
