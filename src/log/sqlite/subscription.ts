import { setImmediate as nextTurn } from "node:timers/promises";
import { RepriseError } from "../../errors.ts";
import type { SubscribeOptions, SubscriptionBatch } from "../event-log.ts";
import type { PagesAhead } from "./ahead/pages-ahead.ts";
import { ReadingAhead } from "./ahead/reading-ahead.ts";
import type { Connection } from "./connection.ts";
import type { SqliteLogLimits } from "./limits.ts";
import type { Reader } from "./reader.ts";

/** Wakes everyone who waits for a change. Whoever does not wait looks by itself. */
export interface Bell {
  ring(): void;
  /** Calls `wake` at each ring until the returned function is called. */
  listen(wake: () => void): () => void;
}

export function makeBell(): Bell {
  const listeners = new Set<() => void>();
  return {
    ring() {
      for (const wake of listeners) wake();
    },
    listen(wake) {
      listeners.add(wake);
      return () => listeners.delete(wake);
    },
  };
}

interface SubscribeNeeds {
  readonly connection: Connection;
  readonly reader: Reader;
  readonly ahead: PagesAhead;
  readonly bell: Bell;
  readonly limits: SqliteLogLimits;
  isClosing(): boolean;
}

/**
 * One loop reads on from the place that it has reached, whether that is far behind or at the end, so no event is missed or repeated between catch-up and live.
 * At the end it waits for a commit. Commits that come while the consumer works wake it once.
 *
 * @throws LOG_BEHIND_CHECKPOINT when `after` is beyond the end: such a subscription would be silent for ever.
 */
export async function* subscribe(
  { after, filter, dataOf, signal }: SubscribeOptions,
  { connection, reader, ahead, bell, limits, isClosing }: SubscribeNeeds,
): AsyncGenerator<SubscriptionBatch, void> {
  const ended = () => signal.aborted || isClosing();
  if (ended()) return;
  if (after > connection.use().end.lastPosition)
    throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The log ends at position ${connection.use().end.lastPosition}; the subscription begins after ${after}.`);

  let wake = () => {};
  const stop = bell.listen(() => wake());
  const pages = dataOf === undefined ? readAhead(ahead, filter) : null;
  const abort = () => {
    pages?.leave();
    wake();
  };
  signal.addEventListener("abort", abort);
  try {
    let reached = Number(after);
    let toldLive = false;
    while (!ended()) {
      const early = pages === null ? null : await pages.next(reached);
      if (ended()) return;
      const scanned = early ?? (await reader.scan(filter, "forward", reached, limits.batchEvents, dataOf));
      if (ended()) return;
      const live = scanned.reached >= connection.use().end.lastPosition;
      const news = scanned.events.length > 0 || scanned.reached > reached || live !== toldLive;
      reached = scanned.reached;
      toldLive = live;
      if (news) yield { events: scanned.events, bytes: scanned.bytes, position: BigInt(reached), live };
      if (!live) await nextTurn();
      else if (!ended() && connection.use().end.lastPosition <= reached) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
    pages?.leave();
    signal.removeEventListener("abort", abort);
  }
}

/** @returns null for a filter that nobody reads far with. */
function readAhead(ahead: PagesAhead, filter: SubscribeOptions["filter"]): ReadingAhead | null {
  if (filter === undefined) return new ReadingAhead(ahead, null);
  return "types" in filter ? new ReadingAhead(ahead, filter.types) : null;
}
