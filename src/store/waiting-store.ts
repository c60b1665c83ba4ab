import type { Catalog } from "../catalog/catalog.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { positionText } from "../event/event.ts";
import { backOff } from "../event/waits.ts";
import type { Views } from "../views/model/views.ts";
import { takeTyped } from "./append/typed.ts";
import type { Life } from "./life.ts";
import type { Measured } from "./metrics.ts";
import type { StoreCore } from "./store.ts";

export interface WaitingStoreOptions extends Partial<Measured> {
  readonly catalog: Catalog;
  /** Opens the store, or fails with LOG_UNAVAILABLE while the log cannot be reached. Gives up when `signal` is aborted. */
  readonly open: (signal: AbortSignal) => Promise<StoreCore>;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}

/** Between two tries to open the log. */
const waits = { firstMs: 250, lastMs: 2000 };

/**
 * A store whose log is elsewhere and may not be there yet: until it answers, everything that needs it fails with LOG_UNAVAILABLE, which is safe to
 * repeat, and `notReady` says why. Once it is open, troubles of the log are its own to bear.
 */
export function makeWaitingStore({ catalog, open, clock, onTrouble, metrics = null }: WaitingStoreOptions): StoreCore {
  let store: StoreCore | null = null;
  /** Opened, and about to start. */
  let starting: StoreCore | null = null;
  const leaving = new AbortController();
  let trouble = "the store has not started";
  let closed = false;
  let started: Promise<void> | null = null;

  function mustBeOpen(): StoreCore {
    if (closed) throw new RepriseError("CLOSED", "The store is closed.");
    if (store === null) throw new RepriseError("LOG_UNAVAILABLE", `The log cannot be reached: ${trouble}.`, { retryAfterMs: 1000 });
    return store;
  }

  async function start(): Promise<void> {
    for (let failures = 0; !closed; failures++) {
      try {
        starting = await open(leaving.signal);
        if (!closed) await starting.start();
        if (closed) await starting.close();
        else store = starting;
        return;
      } catch (error) {
        await starting?.close();
        starting = null;
        if (closed) return;
        if (!isRepriseError(error, "LOG_UNAVAILABLE")) throw error;
        trouble = error.message.replace(/\.$/, "");
        onTrouble(error);
      }
      await backOff(failures, waits, clock, leaving.signal);
    }
  }

  return {
    ...{ catalog, metrics },
    views: viewsOf(() => store, mustBeOpen),
    get logId() {
      return mustBeOpen().logId;
    },
    ...handOn(mustBeOpen),
    start() {
      started ??= start();
      return started;
    },
    notReady: () => (closed ? "the store is closed" : store === null ? `the log: ${trouble}` : store.notReady()),
    warnings: () => store?.warnings() ?? [],
    probe: async () => store?.probe(),
    drain: () => store?.drain(),
    async close() {
      closed = true;
      leaving.abort();
      await starting?.close();
      await started?.catch(() => {});
      await store?.close();
    },
  };
}

/** The views of a store that may still be to come. */
function viewsOf(store: () => StoreCore | null, mustBeOpen: () => StoreCore): Views {
  return new Proxy({} as Views, {
    get: (_target, name: keyof Views) => {
      const open = store();
      if (open !== null) return open.views[name];
      if (name === "position") return () => positionText(0n);
      if (name === "unknownName") return () => null; // nothing is known yet: what is asked next says so
      return async () => mustBeOpen(); // throws
    },
  });
}

/** Calls that need the log go to the store, once it is open. */
type HandedOn = Omit<StoreCore, "catalog" | "views" | "logId" | keyof Measured | Exclude<keyof Life, "rebuildViews">>;

function handOn(mustBeOpen: () => StoreCore): HandedOn {
  return {
    cluster: () => mustBeOpen().cluster(),
    following: { follow: async (...args) => mustBeOpen().following.follow(...args) },
    requests: { begin: async (...args) => mustBeOpen().requests.begin(...args) },
    append: takeTyped(async (...args) => mustBeOpen().append(...args)),
    readEntity: async (...args) => mustBeOpen().readEntity(...args),
    archivedEvent: async (...args) => mustBeOpen().archivedEvent(...args),
    restoreArchived: async (...args) => mustBeOpen().restoreArchived(...args),
    archivedSegments: async (...args) => mustBeOpen().archivedSegments(...args),
    replay: async (...args) => mustBeOpen().replay(...args),
    replayBatch: async (...args) => mustBeOpen().replayBatch(...args),
    pauseHandler: async (...args) => mustBeOpen().pauseHandler(...args),
    repairHandler: async (...args) => mustBeOpen().repairHandler(...args),
    resumeHandler: async (...args) => mustBeOpen().resumeHandler(...args),
    integrations: async (...args) => mustBeOpen().integrations(...args),
    isolateIntegration: async (...args) => mustBeOpen().isolateIntegration(...args),
    resetIntegration: async (...args) => mustBeOpen().resetIntegration(...args),
    resolveErrorGroup: async (...args) => mustBeOpen().resolveErrorGroup(...args),
    ignoreErrorGroup: async (...args) => mustBeOpen().ignoreErrorGroup(...args),
    reopenErrorGroup: async (...args) => mustBeOpen().reopenErrorGroup(...args),
    drainInstance: async (...args) => mustBeOpen().drainInstance(...args),
    pauseEntity: async (...args) => mustBeOpen().pauseEntity(...args),
    resumeEntity: async (...args) => mustBeOpen().resumeEntity(...args),
    retryEntity: async (...args) => mustBeOpen().retryEntity(...args),
    planReplay: async (...args) => mustBeOpen().planReplay(...args),
    replayPlan: async (...args) => mustBeOpen().replayPlan(...args),
    startReplay: async (...args) => mustBeOpen().startReplay(...args),
    replayState: async (...args) => mustBeOpen().replayState(...args),
    replayStates: async (...args) => mustBeOpen().replayStates(...args),
    replayReport: async (...args) => mustBeOpen().replayReport(...args),
    actOnReplay: async (...args) => mustBeOpen().actOnReplay(...args),
    setReplayRate: async (...args) => mustBeOpen().setReplayRate(...args),
    discardBatch: async (...args) => mustBeOpen().discardBatch(...args),
    giveUp: async (...args) => mustBeOpen().giveUp(...args),
    approveEscalation: async (...args) => mustBeOpen().approveEscalation(...args),
    rejectEscalation: async (...args) => mustBeOpen().rejectEscalation(...args),
    repartitionHandler: async (...args) => mustBeOpen().repartitionHandler(...args),
    retireHandler: async (...args) => mustBeOpen().retireHandler(...args),
    amend: async (...args) => mustBeOpen().amend(...args),
    discard: async (...args) => mustBeOpen().discard(...args),
    beginArchiveRun: async (...args) => mustBeOpen().beginArchiveRun(...args),
    archiveRun: async (...args) => mustBeOpen().archiveRun(...args),
    rebuildViews: async (...args) => mustBeOpen().rebuildViews(...args),
  };
}
