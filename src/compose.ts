/** Opens a store where its log's URL says. */
import { join } from "node:path";
import { assemble, type Ground, makePlan, type Plan } from "./assemble.ts";
import type { Config } from "./config/config.ts";
import type { LockOptions } from "./config/held-to-lock.ts";
import type { DeliveryLogger } from "./delivery/delivery-logger.ts";
import { makeEndMarker } from "./delivery/end-marker.ts";
import { RepriseError } from "./errors.ts";
import { type Clock, systemClock } from "./event/clock.ts";
import { newId } from "./event/ids.ts";
import { withHttp } from "./http/serving.ts";
import type { EventLog } from "./log/event-log.ts";
import { folderOf, isServer } from "./log/log-url.ts";
import { type OpenLogOptions, openLog } from "./log/open-log.ts";
import type { Store } from "./store/store.ts";
import { makeWaitingStore } from "./store/waiting-store.ts";
import { makeTelemetry } from "./telemetry/telemetry.ts";

export interface OpenOptions extends LockOptions {
  /** `sqlite:<folder>`, or a server: `esdb://host:2113?tls=false`, `esdb+discover://…`. */
  readonly log: string;
  /** Folder of the views; default: the embedded log's own, `./data` for a server. */
  readonly data?: string;
  /** Where troubles are told, pino's interface. Default: nowhere. */
  readonly logger?: DeliveryLogger;
  readonly clock?: Clock;
  /** Which build of the project this is, in place of the config's `build`. */
  readonly build?: string;
  /**
   * The log's disk has lost what it was given, and this process cannot know any more what the log holds: it has to end at once. `reprise serve` does, with exit
   * code 6. Nothing that was acknowledged is lost. Default: every append is refused with LOG_SYNC_FAILED from then on.
   */
  readonly onLost?: (error: RepriseError) => void;
  /** Stands before the name of each stream on a server, so that one server holds several logs. Default: nothing. An embedded log has its folder to itself. */
  readonly namespace?: string;
  /** Name of this process, for people: 1 to 64 letters, digits, `.`, `_`, `-`. Default: host name and pid. */
  readonly instance?: string;
  /** `many`: this process shares the work on a log server with others of the same log, each a part of every handler's entities. Default `one`: it takes all. */
  readonly instances?: "one" | "many";
  /** False: the store measures nothing of itself, and there is no GET /metrics. Default: true. */
  readonly metrics?: boolean;
}

/** Events since the start. A store that handles fewer does without a second thread. */
const viewsApartAfter = 1000;

/**
 * Opens log and views. Appends and reads work at once; nothing is delivered or projected before `start`. A log on a server is reached by `start`,
 * however long that takes: until then what needs it fails with LOG_UNAVAILABLE.
 *
 * @throws RepriseError of kind `config`, naming what to correct: CONFIG_INVALID, SCHEMA_LOCK_BROKEN, LOG_IN_USE, LOG_DAMAGED, …
 */
export async function openStore(config: Config, options: OpenOptions): Promise<Store> {
  const plan = makePlan(config, options);
  const { clock, logger } = plan;
  const folder = options.data ?? folderOf(options.log) ?? "./data";
  const twins = makeTelemetry({ handlers: plan.config.handlers, clock, measures: options.metrics !== false });
  const ground: Ground = {
    twins,
    sharing: sharingOf(options),
    openLog: (locate, signal) => openStoreLog(plan, options, locate, signal),
    viewsFile: join(folder, "views.db"),
    // The other thread waits by the system's clock. Waits that somebody moves are of this thread.
    viewsApartAfter: clock.after === systemClock.after && clock.monotonicMs === systemClock.monotonicMs ? viewsApartAfter : undefined,
    ends: () => makeEndMarker(folder, newId),
  };
  if (!isServer(options.log)) return assemble(plan, ground);
  const waiting = makeWaitingStore({
    catalog: plan.config.catalog,
    metrics: twins.metrics,
    open: (signal) => assemble(plan, ground, signal),
    clock,
    onTrouble: (err) => logger.warn({ err }, "the log cannot be reached; tried again"),
  });
  return withHttp(waiting, { clock, logger });
}

/** @throws CONFIG_INVALID */
function sharingOf({ log, instance, instances = "one" }: OpenOptions): NonNullable<Ground["sharing"]> {
  if (instance !== undefined && !/^[A-Za-z0-9._-]{1,64}$/.test(instance))
    throw new RepriseError("CONFIG_INVALID", `instance is ${JSON.stringify(instance)}: it must be 1 to 64 letters, digits, dots, underscores or hyphens.`);
  if (instances === "many" && !isServer(log))
    throw new RepriseError(
      "CONFIG_INVALID",
      "Many instances need a log server: an embedded log belongs to one process. Name one, as in esdb://host:2113, or run one instance.",
    );
  return { many: instances === "many", ...(instance === undefined ? {} : { instance }) };
}

function openStoreLog(
  { clock, logger }: Plan,
  { log, onLost = () => {}, namespace = "" }: OpenOptions,
  locate: NonNullable<OpenLogOptions["locate"]>,
  signal: AbortSignal | undefined,
): Promise<EventLog> {
  return openLog(log, {
    ...{ clock, namespace, locate, onLost },
    onTrouble(err) {
      if (err === null) logger.info({}, "the log takes appends again; what had been in doubt was written again and synced");
      else logger.error({ err }, "the log takes no appends: nothing is acknowledged, delivered or recorded until it does; it is tried every second");
    },
    ...(signal === undefined ? {} : { signal }),
  });
}
