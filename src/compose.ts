/** Puts one Reprise together. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CheckedConfig, type Config, checkConfig } from "./config/config.ts";
import { heldToLock, type LockOptions } from "./config/held-to-lock.ts";
import { makeDelivery } from "./delivery/delivery.ts";
import type { DeliveryLogger } from "./delivery/dispatcher/dispatcher.ts";
import { makeEndMarker } from "./delivery/end-marker.ts";
import { withPatience } from "./delivery/journal/patience.ts";
import { recordAct } from "./delivery/journal/record-act.ts";
import { isRepriseError, partlyDone, RepriseError } from "./errors.ts";
import { type Clock, systemClock } from "./event/clock.ts";
import { positionText, type StoredEvent } from "./event/event.ts";
import { deliveryId, newId } from "./event/ids.ts";
import { defaultTenant, streamName, viewsStream } from "./event/names.ts";
import { makeTurns } from "./event/turns.ts";
import { refuseUnfinishedCopy } from "./log/copy/copy-marker.ts";
import { endedForGood } from "./log/event-log.ts";
import { folderOf, isServer } from "./log/log-url.ts";
import { openLog } from "./log/open-log.ts";
import { makePageRoom, onePage } from "./log/page-bytes.ts";
import { ownEvent } from "./records/own-event.ts";
import type { ViewsStreamData } from "./records/views.ts";
import { makeAmendments } from "./replay/amendments.ts";
import { makeReplays } from "./replay/replays.ts";
import { readReport } from "./replay/report.ts";
import { makeAppender } from "./store/append/append.ts";
import { makePerSource } from "./store/append/append-per-source.ts";
import { makeGiveUp } from "./store/give-up.ts";
import { makePauses } from "./store/pauses.ts";
import { makeReadiness } from "./store/readiness.ts";
import { makeRetire } from "./store/retire.ts";
import type { ReplayState, Store } from "./store/store.ts";
import { makeWaitingStore } from "./store/waiting-store.ts";
import type { EventView, ReplayView } from "./views/model.ts";
import { type OpenViews, openViews } from "./views/open-views.ts";
import { amendedDetail } from "./views/queries/amendments.ts";
import { fromCursor, toCursor } from "./views/queries/cursor.ts";

export interface OpenOptions extends LockOptions {
  /** `sqlite:<folder>`, or a server: `esdb://host:2113?tls=false`, `esdb+discover://…`. */
  readonly log: string;
  /** Folder of the views; default: the embedded log's own, `./data` for a server. */
  readonly data?: string;
  /** Where troubles are told, pino's interface. Default: nowhere. */
  readonly logger?: DeliveryLogger;
  readonly clock?: Clock;
  /**
   * The log's disk has lost what it was given, and this process cannot know any more what the log holds: it has to end at once. `reprise serve` does, with exit
   * code 6. Nothing that was acknowledged is lost. Default: every append is refused with LOG_SYNC_FAILED from then on.
   */
  readonly onLost?: (error: RepriseError) => void;
  /** Stands before the name of each stream on a server, so that one server holds several logs. Default: nothing. An embedded log has its folder to itself. */
  readonly namespace?: string;
}

/** How long the calls that run may take to end when the store closes. */
const closePatienceMs = 7000;
const singlePatienceMs = 10_000;
const batchPatienceMs = 30_000;
const cancelPatienceMs = 5000;
const flushPatienceMs = 1000;
const presentedAtOnce = 20;

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
const named = (migration: string | undefined) => (migration === undefined ? {} : { migration });
const silent: DeliveryLogger = { info() {}, warn() {}, error() {} };

/**
 * Opens log and views. Appends and reads work at once; nothing is delivered or projected before `start`. A log on a server is reached by `start`,
 * however long that takes: until then what needs it fails with LOG_UNAVAILABLE.
 *
 * @throws RepriseError of kind `config`, naming what to correct: CONFIG_INVALID, SCHEMA_LOCK_BROKEN, LOG_IN_USE, LOG_DAMAGED, …
 */
export async function openStore(config: Config, options: OpenOptions): Promise<Store> {
  const checked = checkConfig(config);
  const { clock = systemClock, logger = silent } = options;
  const unlocked = heldToLock(config, options);
  for (const warning of unlocked) logger.warn({}, warning);
  if (!isServer(options.log)) return openOn(checked, options, unlocked);
  return makeWaitingStore({
    catalog: checked.catalog,
    open: (signal) => openOn(checked, options, unlocked, signal),
    clock,
    onTrouble: (err) => logger.warn({ err }, "the log cannot be reached; tried again"),
  });
}

async function openOn(
  { catalog, migrations, handlers, limits }: CheckedConfig,
  { log: where, data, logger = silent, clock = systemClock, onLost = () => {}, namespace = "" }: OpenOptions,
  unlocked: readonly string[],
  signal?: AbortSignal,
): Promise<Store> {
  let views: OpenViews | null = null;
  const log = await openLog(where, {
    clock,
    namespace,
    locate: async (tenant, ids) => views?.locate(tenant, ids) ?? [],
    onTrouble(err) {
      if (err === null) logger.info({}, "the log takes appends again; what had been in doubt was written again and synced");
      else logger.error({ err }, "the log takes no appends: nothing is acknowledged, delivered or recorded until it does; it is tried every second");
    },
    onLost,
    ...(signal === undefined ? {} : { signal }),
  });
  await refuseUnfinishedCopy(log).catch(async (error: unknown) => {
    await log.close();
    throw error;
  });
  const folder = data ?? folderOf(where) ?? "./data";
  const marker = makeEndMarker(folder, newId);
  const delivery = makeDeliveryOrClose();
  const opened = await openViews({
    file: join(folder, "views.db"),
    log,
    catalog,
    clock,
    running: delivery,
    onTrouble: (err) => logger.warn({ err }, "the views could not go on; tried again"),
    onDamage(why) {
      logger.warn({ why }, "the views' file is damaged: the rows are computed again from the log");
      const act = { act: { actor: "policy", reason: `the file was damaged: ${why}` } } satisfies ViewsStreamData["views.rebuild_requested"];
      log
        .append(viewsStream, [ownEvent(newId, "views.rebuild_requested", act)], "any")
        .catch((err: unknown) => logger.warn({ err }, "that the views are computed again could not be recorded"));
    },
  }).catch(async (error: unknown) => {
    await log.close();
    throw error;
  });
  views = opened;
  const amendments = makeAmendments({ delivery, catalog, migrations });
  const replays = makeReplays({
    log,
    views: opened,
    delivery,
    amendments,
    migrations,
    catalog,
    clock,
    newId,
    ends: marker,
    onCutOff: (replay_id, err) => logger.warn({ replay_id, err }, "a replay was cut off"),
  });
  const readiness = makeReadiness(
    [
      { name: "the schemas", warnings: () => unlocked },
      {
        name: "",
        reasons: () => [
          ...delivery.faults().map(({ handler, error }) => `handler ${handler} stands still: ${error.code}`),
          ...delivery.troubles().map(({ handler, trouble }) => `handler ${handler}: ${trouble}`),
        ],
        warnings: () =>
          delivery
            .damaged()
            .map(
              ({ handler, lanes, place }) =>
                `handler ${handler}: ${lanes} entities stand still at damaged records of the log (LOG_DAMAGED), the first at ${place}.`,
            ),
      },
      { name: "the views", reasons: () => [opened.trouble() ?? []].flat(), probe: () => opened.probe() },
      { name: "the log", reasons: () => [log.trouble?.() ?? []].flat(), warnings: () => log.warnings?.() ?? [], probe: async () => log.probe?.() },
    ],
    clock,
  );
  const leaving = new AbortController();
  let state: "opened" | "started" | "closed" = "opened";
  let willTakeUp = false;
  let closing: Promise<void> | null = null;

  /** Replays that another instance ran go on here, now that their handler does. One look for all handlers that come at once. */
  function onTaken(): void {
    if (willTakeUp) return;
    willTakeUp = true;
    Promise.resolve()
      .then(() => {
        willTakeUp = false;
        return state === "started" ? replays.resume() : undefined;
      })
      .catch((err: unknown) => logger.warn({ err }, "replays of another instance could not go on; they do at the next start"));
  }

  function makeDeliveryOrClose(): ReturnType<typeof makeDelivery> {
    try {
      return makeDelivery({ handlers, catalog, log, clock, newId, random: Math.random, limits, logger, build: version, ends: marker, onTaken });
    } catch (error) {
      void log.close();
      throw error;
    }
  }

  /** The value, or undefined when it takes longer. */
  async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = clock.after(ms, () => resolve(undefined));
    try {
      return await Promise.race([promise, late]);
    } finally {
      timer.cancel();
    }
  }

  /** What the process that runs a replay knows better than the views. */
  function now(view: ReplayView): ReplayState {
    const figures = view.endedAt === null ? replays.figures(view.replayId) : undefined;
    if (figures === undefined) return { ...view, followers: 0, secondsLeft: view.endedAt === null ? null : 0 };
    const { succeeded, failed, skipped, total } = figures;
    return { ...view, ...figures, remaining: total - succeeded - failed - skipped };
  }

  /** A batch is small in bytes, but not in what its deliveries take to be told. */
  async function* presented(batch: readonly StoredEvent[]): AsyncGenerator<EventView, void> {
    const turns = makeTurns();
    let size = 1; // nobody knows how large these are
    for (let at = 0; at < batch.length; at += size) {
      if (at > 0) size = turns.due() ? 1 : Math.min(size * 2, presentedAtOnce);
      if (turns.due()) await turns.next();
      yield* opened.present(batch.slice(at, at + size));
    }
  }

  async function close(): Promise<void> {
    state = "closed";
    marker.close();
    leaving.abort();
    replays.stop();
    await delivery.stop(closePatienceMs);
    await within(replays.flushed(), flushPatienceMs);
    await opened.close();
    await log.close();
  }

  return {
    catalog,
    views: opened,
    logId: log.logId,
    append: makePerSource(makeAppender({ catalog, log, newId }), log),

    async readEntity(entity, { tenant = defaultTenant, from, limit = 100, direction = "forward" } = {}) {
      const stream = streamName(tenant, entity);
      const end = await log.streamRevision(stream);
      const revision = end === endedForGood ? -1 : end;
      return onePage(async () => {
        const forward = direction === "forward";
        const room = makePageRoom();
        const events: EventView[] = [];
        let full = false;
        reading: for await (const batch of log.readStream(stream, { direction, limit, ...(from === undefined ? {} : { from }) }))
          for await (const event of presented(batch)) {
            full = !room.takes(event);
            if (full) break reading;
            events.push(event);
          }
        const last = events.at(-1)?.revision;
        const more = last !== undefined && (full || events.length === limit) && (forward ? last < revision : last > 0);
        return { events, nextFrom: more ? last + (forward ? 1 : -1) : null, revision };
      });
    },

    async start() {
      if (state !== "opened") throw new RepriseError("CLOSED", state === "started" ? "The store was started already." : "The store is closed.");
      state = "started";
      opened.start();
      marker.watch();
      await delivery.start();
      marker.settled();
      replays.resume().catch((err: unknown) => logger.warn({ err }, "replays that were cut off could not go on; they do at the next start"));
    },

    notReady() {
      if (state !== "started") return state === "opened" ? "the store has not started" : "the store is closed";
      return readiness.notReady();
    },
    warnings: () => readiness.warnings(),
    probe: async () => (state === "started" ? readiness.probe() : undefined),

    close() {
      closing ??= close();
      return closing;
    },

    async replay(id, { tenant = defaultTenant, actor = "local", reason, handler, targetHandler, migration, patienceMs = singlePatienceMs } = {}) {
      const chosen = { tenant, actor, reason: reason ?? null, handler, targetHandler: targetHandler ?? null, ...named(migration) };
      const { replayId, letter, ended, position } = await replays.single(id, chosen);
      const end = await within(ended, patienceMs);
      return {
        status: end?.outcome ?? "processing",
        replayId,
        deliveryId: deliveryId(targetHandler ?? letter.handler, letter.stream, letter.id, targetHandler === undefined ? undefined : replayId),
        originalEventId: letter.id,
        error: end?.error ?? null,
        position: positionText(end?.position ?? position),
      };
    },

    async replayBatch(filter, options = {}) {
      const { tenant = defaultTenant, actor = "local", reason, maxEvents = 100, ratePerSecond, migration, patienceMs = batchPatienceMs } = options;
      const { replayId, figures, ended, position } = await replays.batch(
        { ...filter, tenant },
        { tenant, actor, reason: reason ?? null, maxEvents, ratePerSecond: ratePerSecond ?? null, ...named(migration) },
      );
      const end = await within(ended, patienceMs);
      const { total, succeeded, failed, skipped, skips } = figures();
      return { replayId, total, succeeded, failed, skipped, skips, remaining: total - succeeded - failed - skipped, position: positionText(end ?? position) };
    },

    async planReplay(selection, { tenant = defaultTenant, actor = "local", targetHandler, ratePerSecond } = {}) {
      return replays.plans.make({ tenant, actor, selection, targetHandler: targetHandler ?? null, ratePerSecond: ratePerSecond ?? null });
    },

    async replayPlan(planId, { tenant = defaultTenant } = {}) {
      return replays.plans.show(planId, tenant);
    },

    async startReplay(planId, { tenant = defaultTenant, actor = "local", reason, terms }) {
      const { replayId, figures, position } = await replays.startPlan(planId, { tenant, actor, reason, terms });
      const { status, total } = figures();
      return { replayId, status, total, position: positionText(position) };
    },

    async replayState(replayId, { tenant = defaultTenant } = {}) {
      const view = await opened.replay(tenant, replayId);
      return view && now(view);
    },

    async replayStates({ tenant = defaultTenant, ...page }) {
      const { replays: rows, nextCursor } = await opened.replays(tenant, page);
      return { replays: rows.map(now), nextCursor };
    },

    async replayReport(replayId, { tenant = defaultTenant, limit, cursor }) {
      const view = await opened.replay(tenant, replayId);
      if (view === undefined) throw new RepriseError("NOT_FOUND", "There is no replay with this id.");
      const from = fromCursor("report", cursor, ["number"])?.[0] ?? 0;
      const { items, next } = await onePage(() =>
        readReport({ log, views: opened, catalog }, { view, tenant, from, limit }, (at, count) => replays.items(replayId, at, count)),
      );
      return { items, nextCursor: next === null ? null : toCursor("report", next) };
    },

    async actOnReplay(replayId, verb, { tenant = defaultTenant, actor = "local", reason, patienceMs = cancelPatienceMs } = {}) {
      const { status, position } = await replays.act(replayId, verb, { tenant, actor, reason: reason ?? null, patienceMs });
      return { replayId, status, position: positionText(position) };
    },

    async setReplayRate(replayId, ratePerSecond, { tenant = defaultTenant, actor = "local", reason } = {}) {
      const { status, position } = await replays.setRate(replayId, ratePerSecond, { tenant, actor, reason: reason ?? null });
      return { replayId, status, position: positionText(position) };
    },

    async discardBatch(filter, { tenant = defaultTenant, actor = "local", reason, maxEvents = 100, resolution }) {
      if (Object.keys(filter).length === 0)
        throw new RepriseError("REQUEST_INVALID", "Nothing is selected: name what to discard by at least one filter. It is never everything.");
      const { total: matching } = await opened.deadLetters({ ...filter, tenant }, { limit: 1, data: false });
      const letters = await opened.oldestDeadLetters({ ...filter, tenant }, maxEvents);
      const act = { actor, reason, ...(resolution === undefined ? {} : { resolution }) };
      const ends = await Promise.allSettled(letters.map(({ handler, stream, revision }) => delivery.discard(handler, stream, revision, act)));
      const refused = ends.filter((end) => end.status === "rejected");
      const broken = refused.find(({ reason: error }) => !isRepriseError(error, "NOT_DEAD_LETTERED", "DELIVERY_RUNNING", "NOT_FOUND"));
      if (broken !== undefined) throw partlyDone(broken.reason, `${ends.length - refused.length} of ${ends.length} dead letters are discarded`);
      const position = ends.reduce((last, end) => (end.status === "fulfilled" && end.value > last ? end.value : last), BigInt(opened.position()));
      const remaining = Math.max(0, matching - letters.length);
      return { total: letters.length, discarded: ends.length - refused.length, skipped: refused.length, remaining, position: positionText(position) };
    },

    async rebuildViews({ actor = "local", reason } = {}) {
      const act = { act: { actor, reason: reason ?? null } } satisfies ViewsStreamData["views.rebuild_requested"];
      const record = { stream: viewsStream, events: [ownEvent(newId, "views.rebuild_requested", act)], expected: "any" as const };
      return withPatience(clock, async () => {
        const { position } = await recordAct({ log, clock, signal: leaving.signal }, record);
        opened.rebuild().then(
          () => logger.info({}, "the views are rebuilt"),
          (err: unknown) => logger.error({ err }, "the views could not be rebuilt; the old ones go on"),
        );
        return positionText(position);
      });
    },

    ...makePauses({ log, views: opened, delivery }),
    giveUp: makeGiveUp({ log, views: opened, delivery }),
    retireHandler: makeRetire({ log, views: opened, delivery, clock, newId, signal: leaving.signal }),

    async amend(id, { tenant = defaultTenant, actor = "local", data, reason, handler }) {
      const entry = await replays.find(id, tenant, handler);
      const { appended, letter } = await amendments.amend(entry, data, { actor, reason });
      const act = { at: appended.recordedAt, actor, reason, migration: null, replayId: null };
      return { entry: amendedDetail(catalog, entry, letter.stored, data, act), position: positionText(appended.position) };
    },

    async discard(id, { tenant = defaultTenant, actor = "local", reason, handler, resolution }) {
      const entry = await replays.find(id, tenant, handler);
      const position = await delivery.discard(entry.handler, entry.stream, entry.revision, {
        actor,
        reason,
        ...(resolution === undefined ? {} : { resolution }),
      });
      return { entry, position: positionText(position) };
    },
  };
}
