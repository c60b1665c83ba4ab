import type { Position } from "../../event/event.ts";
import type { SubscribeOptions, SubscriptionBatch } from "../../log/event-log.ts";
import { openReadApart } from "../../log/read-apart.ts";
import type { FromThread, ThreadBegins, ToThread } from "./messages.ts";
import type { SharedPlaces } from "./shared-places.ts";

/** The log as the second thread has it: read by a connection of its own where that goes well, and else asked for. */
export interface ThreadLog {
  subscribe(options: SubscribeOptions): AsyncGenerator<SubscriptionBatch, void>;
  /** Takes an answer of the first thread. */
  take(message: ToThread): void;
  close(): void;
}

export function openThreadLog(
  { log: ownLog, abridgedThrough }: Pick<ThreadBegins, "log" | "abridgedThrough">,
  shared: SharedPlaces,
  tell: (message: FromThread) => void,
): ThreadLog {
  const own = ownLog === null ? null : openReadApart(ownLog.place, ownLog.work);
  let wake = () => {};
  let asked: PromiseWithResolvers<SubscriptionBatch> | null = null;

  function ask(after: Position): Promise<SubscriptionBatch> {
    asked = Promise.withResolvers();
    tell({ is: "ask", after });
    return asked.promise;
  }

  async function readOwn(after: Position, dataOf: SubscribeOptions["dataOf"]): Promise<SubscriptionBatch | null> {
    const end = shared.logEnd;
    if (own === null) return null;
    if (after >= end) return { events: [], bytes: 0, position: after, live: true };
    const batch = await own.read(after, end, dataOf);
    return batch && { ...batch, live: batch.position >= shared.logEnd };
  }

  function grown(after: Position): Promise<void> | undefined {
    shared.waitForLog();
    if (shared.logEnd > after) return undefined;
    return new Promise((resolve) => (wake = resolve));
  }

  return {
    async *subscribe({ after, dataOf, signal }) {
      const abort = () => {
        wake();
        asked?.resolve({ events: [], bytes: 0, position: 0n, live: false });
      };
      signal.addEventListener("abort", abort);
      try {
        let reached = after;
        let toldLive = false;
        while (!signal.aborted) {
          const batch = (reached < abridgedThrough ? null : await readOwn(reached, dataOf)) ?? (await ask(reached));
          if (signal.aborted) return;
          const news = batch.events.length > 0 || batch.position > reached || batch.live !== toldLive;
          reached = batch.position > reached ? batch.position : reached;
          toldLive = batch.live;
          if (news) yield batch;
          if (own !== null && batch.live && !signal.aborted) await grown(reached);
        }
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    take(message) {
      if (message.is === "grown") wake();
      if (message.is === "batch") asked?.resolve(message.batch);
      if (message.is === "no_batch") asked?.reject(new Error(message.why));
    },
    close() {
      own?.close();
    },
  };
}
