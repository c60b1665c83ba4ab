/** Puts the parts of a store together, on whatever ground it stands. */
import { makeAlerts } from "./alerts/alerts.ts";
import { type CheckedConfig, type Config, checkConfig } from "./config/config.ts";
import { heldToLock, type LockOptions } from "./config/held-to-lock.ts";
import type { CallOptions } from "./delivery/attempts.ts";
import type { DeliveryLogger } from "./delivery/delivery-logger.ts";
import type { EndMarker } from "./delivery/end-marker.ts";
import type { DeliveryLimits } from "./delivery/limits.ts";
import { makeRunningHandlers, type RunningHandlers } from "./delivery/running-handlers.ts";
import { RepriseError } from "./errors.ts";
import { build, isBuild } from "./event/build.ts";
import { type Clock, systemClock } from "./event/clock.ts";
import { newId } from "./event/ids.ts";
import { everyTenant, policyActor } from "./event/names.ts";
import { withHttp } from "./http/serving.ts";
import { refuseUnfinishedCopy } from "./log/copy/copy-marker.ts";
import type { EventLog } from "./log/event-log.ts";
import type { OpenLogOptions } from "./log/open-log.ts";
import { makeAmendments } from "./replay/amendments.ts";
import { makeReplays } from "./replay/replays.ts";
import { makeArchives } from "./retention/archive/archives.ts";
import { withArchive } from "./retention/archive/with-archive.ts";
import { makeArchivedBefore } from "./retention/archived-before.ts";
import { archivesOf } from "./retention/archives.ts";
import { openRetention } from "./retention/open-retention.ts";
import { makeAppender } from "./store/append/append.ts";
import { makePerSource } from "./store/append/append-per-source.ts";
import { makeFollowUpAppends } from "./store/append/follow-up-appends.ts";
import { takeTyped } from "./store/append/typed.ts";
import { makeArchiveSide } from "./store/archive-side.ts";
import { makeClusterActs } from "./store/cluster.ts";
import { makeDeadLetterActs } from "./store/dead-letter-acts.ts";
import { makeErrorGroupActs } from "./store/error-groups.ts";
import { makeEscalationActs } from "./store/escalation-acts.ts";
import { makeFollowing } from "./store/following/following.ts";
import { makeIntegrationActs } from "./store/integrations.ts";
import { makeLife } from "./store/life.ts";
import { makePauses } from "./store/pauses.ts";
import { makeReadEntity } from "./store/read-entity.ts";
import { makeReadiness } from "./store/readiness.ts";
import { makeRebuildViews, rebuildRecord } from "./store/rebuild-views.ts";
import { makeReplayActs } from "./store/replay-acts.ts";
import { openRequests } from "./store/requests/open-requests.ts";
import type { Store, StoreCore } from "./store/store.ts";
import { whatCanFail } from "./store/what-can-fail.ts";
import type { Twins } from "./telemetry/telemetry.ts";
import { type OpenViews, openViews } from "./views/open-views.ts";
import { fromCursor, toCursor } from "./views/queries/cursor.ts";
import { amendedDetail } from "./views/queries/dead-letters/amendments.ts";
import { eventView } from "./views/queries/events/event-view.ts";

/** What a store stands on. */
export interface Ground {
  readonly openLog: (locate: NonNullable<OpenLogOptions["locate"]>, signal?: AbortSignal) => Promise<EventLog>;
  /** Where the rows of the views are: a file, or `:memory:`. */
  readonly viewsFile: string;
  /** A thread of its own projects them after so many events. Default: never. */
  readonly viewsApartAfter?: number | undefined;
  /** Says how this process ended to the one after it. Asked when the log is ours. */
  readonly ends: () => EndMarker;
  /** In place of the config's. */
  readonly limits?: Partial<DeliveryLimits>;
  readonly calls?: CallOptions;
  /** False: nobody is told. */
  readonly alerts?: false;
  readonly random?: () => number;
  /** Whether this instance shares the log's work with others, and its name. */
  readonly sharing?: { readonly many?: boolean; readonly instance?: string };
  /** What measures the store. Default: nothing. */
  readonly twins?: Twins | undefined;
}

/** What the parts are put together from, and what was found of the config. */
export interface Plan {
  readonly config: CheckedConfig;
  /** Why the schema lock is broken, where the store is opened all the same. */
  readonly unlocked: readonly string[];
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
}

interface PlanOptions extends LockOptions {
  readonly clock?: Clock;
  readonly logger?: DeliveryLogger;
  /** Which build of the project this is, in place of the config's. */
  readonly build?: string;
}

const silent: DeliveryLogger = { info() {}, warn() {}, error() {} };
const segmentCursors = {
  write: (archive: string, place: number) => toCursor("segments", everyTenant, archive, place),
  read: (cursor: string | undefined) => fromCursor("segments", everyTenant, cursor, ["string", "number"]),
};
const reportCursors = {
  write: (replayId: string, place: number) => toCursor("report", replayId, place),
  read: (replayId: string, cursor: string | undefined) => fromCursor("report", replayId, cursor, ["number"])?.[0],
};

/** @throws CONFIG_INVALID, SCHEMA_LOCK_BROKEN */
export function makePlan(config: Config, options: PlanOptions): Plan {
  const { clock = systemClock, logger = silent } = options;
  if (options.build !== undefined && !isBuild(options.build))
    throw new RepriseError("CONFIG_INVALID", `build is ${JSON.stringify(options.build)}: it must be a text of 1 to 64 characters without blanks.`);
  const checked = checkConfig(config);
  const unlocked = heldToLock(config, options);
  for (const warning of unlocked) logger.warn({}, warning);
  return { config: { ...checked, build: options.build ?? checked.build }, unlocked, clock, logger };
}

/** Opens views on a log, and what works on both. Nothing is delivered or projected before `start`. */
export async function assemble(plan: Plan, ground: Ground, signal?: AbortSignal): Promise<Store> {
  const { config, unlocked, clock, logger } = plan;
  const { catalog, migrations } = config;
  const { openLog, viewsFile, limits, calls, random = Math.random, twins, sharing } = ground;
  let views: OpenViews | null = null; // later than the log, which asks them
  const opened = await openLog(async (tenant, ids) => views?.locate(tenant, ids) ?? [], signal);
  const log = twins?.log(opened) ?? opened;
  try {
    await refuseUnfinishedCopy(log);
    const marker = ground.ends();
    const append = makeAppender({ catalog, log, newId });
    const appends = makeFollowUpAppends(twins?.append(append) ?? append, { catalog, log, newId, clock });
    const delivery = makeRunningHandlers({
      ...{ ...config, appends, log, clock, newId, random, logger, build, projectBuild: config.build, ends: marker },
      ...{ limits: { ...config.limits, ...limits }, ...(calls && { calls }), ...(twins && { twin: twins.handler }) },
      ...sharing,
      ...{ archivedBefore: makeArchivedBefore(log), textsGo: config.retention.length > 0 },
      ...{ onTaken: () => onTaken(), onMembers: () => onTaken(), onReplay: (event) => replays.heard(event), beforeLeaving: () => replays.flushed() },
    });
    const seen = await openStoreViews(plan, ground, log, delivery);
    views = seen;
    const amendments = makeAmendments({ delivery, catalog, migrations });
    const archives = makeArchives(() => archivesOf(log, config.retention), log.logId, { clock, credentials: config.archiveCredentials });
    const replays = makeReplays({
      ...{ log: withArchive(log, archives), archives, views: seen, delivery, amendments, migrations, catalog, clock, newId, ends: marker },
      onCutOff: (replayId, error) => tellCutOff(logger, replayId, error),
    });
    const leaving = new AbortController();
    const needs = { log, archives, views: seen, delivery, replays, amendments, catalog, clock, newId, logger, signal: leaving.signal };
    const specs = ground.alerts === false ? [] : config.alerts;
    const alerts = makeAlerts({ ...needs, specs, handlers: config.handlers.map(({ name }) => name), viewsFile });
    const readiness = makeReadiness(whatCanFail({ unlocked, delivery, views: seen, log, alerts }), clock);
    const { requests, forgetting } = openRequests({ ...needs, life: marker.life });
    const retention = openRetention({ ...needs, config, life: marker.life });
    const { life, onTaken } = makeLife({
      ...needs,
      beside: [alerts, retention],
      marker,
      readiness,
      leaving,
      rebuildViews: makeRebuildViews(needs),
      onStart: forgetting.start,
    });
    const perSource = makePerSource(append, log);
    twins?.watch({ views: seen, integrations: () => delivery.integrations.all(), log, retention: retention.figures });
    const core: StoreCore = {
      catalog,
      metrics: twins?.metrics ?? null,
      views: seen,
      requests,
      following: makeFollowing({ ...needs, view: (event) => eventView(catalog, event, []) }),
      logId: log.logId,
      append: takeTyped(twins?.append(perSource) ?? perSource),
      readEntity: makeReadEntity(needs),
      ...makeArchiveSide({ ...needs, present: seen.present, cursors: segmentCursors, retention }),
      ...makeDeadLetterActs({ ...needs, asAmended: (...amended) => amendedDetail(catalog, ...amended) }),
      ...makeEscalationActs(needs),
      ...makeReplayActs({ ...needs, cursors: reportCursors }),
      ...makePauses(needs),
      ...makeIntegrationActs(needs),
      ...makeErrorGroupActs(needs),
      ...makeClusterActs({ ...needs, build: config.build ?? build }),
      ...life,
    };
    return withHttp(core, { logger, clock });
  } catch (error) {
    await log.close();
    throw error;
  }
}

function openStoreViews({ config, clock, logger }: Plan, ground: Ground, log: EventLog, delivery: RunningHandlers): Promise<OpenViews> {
  return openViews({
    ...{ file: ground.viewsFile, apartAfter: ground.viewsApartAfter, log, catalog: config.catalog, clock },
    running: { running: delivery.running, condition: delivery.shownCondition },
    onTrouble: (err) => logger.warn({ err }, "the views could not go on; tried again"),
    onDamage(why) {
      logger.warn({ why }, "the views' file is damaged: the rows are computed again from the log");
      const { stream, events, expected } = rebuildRecord(newId, { actor: policyActor, reason: `the file was damaged: ${why}` });
      log.append(stream, events, expected).catch((err: unknown) => logger.warn({ err }, "that the views are computed again could not be recorded"));
    },
  });
}

/** @param error null: the service stops. */
function tellCutOff(logger: DeliveryLogger, replay_id: string, error: unknown): void {
  if (error === null) logger.info({ replay_id }, "the service stops; the replay goes on when it starts again");
  else logger.warn({ replay_id, err: error }, "a replay was cut off");
}
