/** The life of a store: it is opened, started and closed, once each. */

import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import type { EndMarker } from "../delivery/end-marker.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { PositionText } from "../event/event.ts";
import { within } from "../event/waits.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Replays } from "../replay/replays.ts";
import type { Views } from "../views/model/views.ts";
import type { ActOptions } from "./caller.ts";
import type { Readiness } from "./readiness.ts";

export interface Life {
  /** Begins (or goes on) to deliver and to project. Resolves when every handler has claimed its journal. */
  start(): Promise<void>;
  /** Null when ready; otherwise what it waits for. */
  notReady(): string | null;
  /** What an operator should look at although the service works, a sentence each. */
  warnings(): readonly string[];
  /** Tries whether an append would be taken and the views would be written, so that `notReady` knows of it on an idle service, too. Never throws. */
  probe(): Promise<void>;
  /** Records the act and begins to rebuild the views beside the old ones; a second call joins the first. @returns position of the record. */
  rebuildViews(options?: ActOptions): Promise<PositionText>;
  /** It is about to close: its partitions go to other instances meanwhile. Requests are still answered. */
  drain(): void;
  /** Lets what runs finish (at most 8 s), flushes, releases, closes. May be called twice. */
  close(): Promise<void>;
}

interface LifeNeeds {
  readonly log: EventLog;
  readonly views: Views & { start(): void };
  readonly delivery: Pick<RunningHandlers, "start" | "stop" | "cluster">;
  readonly replays: Pick<Replays, "resume" | "stop" | "flushed">;
  /** What works beside the handlers: alerts, runs that archive events. */
  readonly beside: readonly { start(): void; stop(): Promise<void> }[];
  readonly marker: EndMarker;
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  /** Told that the store closes, so that nobody waits for the log any more. */
  readonly leaving: AbortController;
  readonly rebuildViews: Life["rebuildViews"];
  /** Told when it has started. */
  readonly onStart: () => void;
}

/** A store's life, and what its handlers tell it. */
export interface StoreLife {
  readonly life: Life;
  /** A handler works here from now on that another instance had, or an instance has left. The replays that it ran go on here. */
  onTaken(): void;
}

/** How long the calls that run may take to end when the store closes. */
const closePatienceMs = 7000;
const flushPatienceMs = 1000;

export function makeLife({ log, views, delivery, replays, beside, marker, readiness, clock, logger, leaving, rebuildViews, onStart }: LifeNeeds): StoreLife {
  let state: "opened" | "started" | "closed" = "opened";
  let closing: Promise<void> | null = null;
  let willTakeUp = false;

  async function close(): Promise<void> {
    state = "closed";
    marker.close();
    leaving.abort();
    replays.stop();
    await Promise.all([...beside.map((each) => each.stop()), delivery.stop(closePatienceMs)]); // beside each other: a stop has ten seconds in all
    await within(replays.flushed(), flushPatienceMs, clock, () => {});
    await views.close();
    await log.close();
  }

  const life: Life = {
    async start() {
      if (state !== "opened") throw new RepriseError("CLOSED", state === "started" ? "The store was started already." : "The store is closed.");
      state = "started";
      views.start();
      marker.watch();
      await delivery.start();
      marker.settled();
      onStart();
      for (const each of beside) each.start();
      replays.resume().catch((err: unknown) => logger.warn({ err }, "replays that were cut off could not go on; they do at the next start"));
    },
    notReady() {
      if (state !== "started") return state === "opened" ? "the store has not started" : "the store is closed";
      return readiness.notReady();
    },
    warnings: () => readiness.warnings(),
    probe: async () => (state === "started" ? readiness.probe() : undefined),
    rebuildViews,
    drain() {
      if (state === "started") void delivery.cluster?.stop(closePatienceMs);
    },
    close() {
      closing ??= close();
      return closing;
    },
  };

  return {
    life,
    /** Handlers come several at once: one look serves all of them. */
    onTaken() {
      if (willTakeUp) return;
      willTakeUp = true;
      Promise.resolve()
        .then(() => {
          willTakeUp = false;
          return state === "started" ? replays.resume() : undefined;
        })
        .catch((err: unknown) => logger.warn({ err }, "replays of another instance could not go on; they do at the next start"));
    },
  };
}
