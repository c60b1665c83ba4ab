/** Puts one Reprise together. */
import { join } from "node:path";
import { type CheckedConfig, type Config, checkConfig } from "./config/config.ts";
import { heldToLock, type LockOptions } from "./config/held-to-lock.ts";
import type { DeliveryLogger } from "./delivery/delivery-logger.ts";
import { makeEndMarker } from "./delivery/end-marker.ts";
import { makeRunningHandlers, type RunningHandlers } from "./delivery/running-handlers.ts";
import type { RepriseError } from "./errors.ts";
import { build } from "./event/build.ts";
import { type Clock, systemClock } from "./event/clock.ts";
import { newId } from "./event/ids.ts";
import { policyActor } from "./event/names.ts";
import { refuseUnfinishedCopy } from "./log/copy/copy-marker.ts";
import type { EventLog } from "./log/event-log.ts";
import { folderOf, isServer } from "./log/log-url.ts";
import { type OpenLogOptions, openLog } from "./log/open-log.ts";
import { makeAmendments } from "./replay/amendments.ts";
import { makeReplays } from "./replay/replays.ts";
import { makeAppender } from "./store/append/append.ts";
import { makePerSource } from "./store/append/append-per-source.ts";
import { takeTyped } from "./store/append/typed.ts";
import { makeDeadLetterActs } from "./store/dead-letter-acts.ts";
import { makeLife } from "./store/life.ts";
import { makePauses } from "./store/pauses.ts";
import { makeReadEntity } from "./store/read-entity.ts";
import { makeReadiness } from "./store/readiness.ts";
import { makeRebuildViews, rebuildRecord } from "./store/rebuild-views.ts";
import { makeReplayActs } from "./store/replay-acts.ts";
import type { Store } from "./store/store.ts";
import { makeWaitingStore } from "./store/waiting-store.ts";
import { whatCanFail } from "./store/what-can-fail.ts";
import { type OpenViews, openViews } from "./views/open-views.ts";
import { fromCursor, toCursor } from "./views/queries/cursor.ts";
import { amendedDetail } from "./views/queries/dead-letters/amendments.ts";

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

/** What the parts are put together from: the options with their defaults, and what was found of the config. */
interface Plan {
  readonly config: CheckedConfig;
  /** Why the schema lock is broken, where the store is opened all the same. */
  readonly unlocked: readonly string[];
  readonly options: OpenOptions;
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
}

const silent: DeliveryLogger = { info() {}, warn() {}, error() {} };
const reportCursors = {
  write: (replayId: string, place: number) => toCursor("report", replayId, place),
  read: (replayId: string, cursor: string | undefined) => fromCursor("report", replayId, cursor, ["number"])?.[0],
};

/**
 * Opens log and views. Appends and reads work at once; nothing is delivered or projected before `start`. A log on a server is reached by `start`,
 * however long that takes: until then what needs it fails with LOG_UNAVAILABLE.
 *
 * @throws RepriseError of kind `config`, naming what to correct: CONFIG_INVALID, SCHEMA_LOCK_BROKEN, LOG_IN_USE, LOG_DAMAGED, …
 */
export async function openStore(config: Config, options: OpenOptions): Promise<Store> {
  const { clock = systemClock, logger = silent } = options;
  const checked = checkConfig(config);
  const unlocked = heldToLock(config, options);
  for (const warning of unlocked) logger.warn({}, warning);
  const plan: Plan = { config: checked, unlocked, options, folder: options.data ?? folderOf(options.log) ?? "./data", clock, logger };
  if (!isServer(options.log)) return openOn(plan);
  return makeWaitingStore({
    catalog: checked.catalog,
    open: (signal) => openOn(plan, signal),
    clock,
    onTrouble: (err) => logger.warn({ err }, "the log cannot be reached; tried again"),
  });
}

async function openOn(plan: Plan, signal?: AbortSignal): Promise<Store> {
  const { config, unlocked, folder, clock, logger } = plan;
  const { catalog, migrations } = config;
  let views: OpenViews | null = null; // later than the log, which asks them
  const log = await openStoreLog(plan, async (tenant, ids) => views?.locate(tenant, ids) ?? [], signal);
  try {
    await refuseUnfinishedCopy(log);
    const marker = makeEndMarker(folder, newId);
    const delivery = makeRunningHandlers({
      ...{ ...config, log, clock, newId, random: Math.random, logger, build, ends: marker },
      onTaken: () => onTaken(),
    });
    const opened = await openStoreViews(plan, log, delivery);
    views = opened;
    const amendments = makeAmendments({ delivery, catalog, migrations });
    const replays = makeReplays({
      ...{ log, views: opened, delivery, amendments, migrations, catalog, clock, newId, ends: marker },
      onCutOff: (replay_id, err) => logger.warn({ replay_id, err }, "a replay was cut off"),
    });
    const leaving = new AbortController();
    const needs = { log, views: opened, delivery, replays, amendments, catalog, clock, newId, logger, signal: leaving.signal };
    const readiness = makeReadiness(whatCanFail({ unlocked, delivery, views: opened, log }), clock);
    const { life, onTaken } = makeLife({ ...needs, marker, readiness, leaving, rebuildViews: makeRebuildViews(needs) });
    return {
      catalog,
      views: opened,
      logId: log.logId,
      append: takeTyped(makePerSource(makeAppender(needs), log)),
      readEntity: makeReadEntity(needs),
      ...makeDeadLetterActs({ ...needs, asAmended: (...amended) => amendedDetail(catalog, ...amended) }),
      ...makeReplayActs({ ...needs, cursors: reportCursors }),
      ...makePauses(needs),
      ...life,
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}

function openStoreLog({ options, clock, logger }: Plan, locate: NonNullable<OpenLogOptions["locate"]>, signal: AbortSignal | undefined): Promise<EventLog> {
  const { log, onLost = () => {}, namespace = "" } = options;
  return openLog(log, {
    ...{ clock, namespace, locate, onLost },
    onTrouble(err) {
      if (err === null) logger.info({}, "the log takes appends again; what had been in doubt was written again and synced");
      else logger.error({ err }, "the log takes no appends: nothing is acknowledged, delivered or recorded until it does; it is tried every second");
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

function openStoreViews({ config, folder, clock, logger }: Plan, log: EventLog, delivery: RunningHandlers): Promise<OpenViews> {
  return openViews({
    ...{ file: join(folder, "views.db"), log, catalog: config.catalog, clock, running: delivery },
    onTrouble: (err) => logger.warn({ err }, "the views could not go on; tried again"),
    onDamage(why) {
      logger.warn({ why }, "the views' file is damaged: the rows are computed again from the log");
      const { stream, events, expected } = rebuildRecord(newId, { actor: policyActor, reason: `the file was damaged: ${why}` });
      log.append(stream, events, expected).catch((err: unknown) => logger.warn({ err }, "that the views are computed again could not be recorded"));
    },
  });
}
