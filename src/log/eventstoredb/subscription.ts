import { isRepriseError, RepriseError } from "../../errors.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import { pause } from "../../event/waits.ts";
import type { SubscribeOptions, SubscriptionBatch } from "../event-log.ts";
import { matches } from "../matches.ts";
import { catchUp, type Wanted } from "./catch-up.ts";
import { readAllPage } from "./page.ts";
import type { SubscriptionContext } from "./subscription-context.ts";
import { repeatDelay } from "./waiting.ts";

/**
 * One loop. Before the beginning of the tail it catches up with a subscription of its own, which the server filters. From there on it takes the tail's
 * events. When it is so slow that the tail has moved on, it catches up again. The consumer does not see a drop: the loop goes on after the last event that it
 * handed on, and nothing comes while the server is away. The positions that it hands on are those of events of this log, never those of the server's
 * checkpoints, because a subscription cannot reliably begin between events.
 *
 * @throws LOG_BEHIND_CHECKPOINT when `after` is beyond the end, or at no event's place: such a subscription would be silent for ever.
 */
export async function* subscribe({ after, filter, dataOf, signal }: SubscribeOptions, context: SubscriptionContext): AsyncGenerator<SubscriptionBatch, void> {
  const { server, tail, reader } = context;
  const wanted = { ...(filter && { filter }), ...(dataOf && { dataOf }) };
  const leaving = AbortSignal.any([signal, server.closing]);
  let wake = () => {};
  const stop = tail.listen(() => wake());
  const leave = () => wake();
  leaving.addEventListener("abort", leave);
  try {
    let reached = after > reader.start.after ? after : reader.start.after;
    await startAt(reached, leaving, context);
    let toldLive = false;
    let rested = false;
    while (!leaving.aborted) {
      if (reached < tail.from) {
        toldLive = false;
        for await (const batch of catchUp(reached, wanted, leaving, context)) {
          reached = batch.position;
          yield batch;
          if (leaving.aborted) return;
        }
        continue;
      }
      const { events, bytes, position } = take(reached, wanted, context);
      const live = tail.live && position >= tail.last;
      if (events.length === 0 && position > reached && live === toldLive && !rested) {
        rested = true;
        await pause(server.limits.positionMs, server.clock, leaving);
        continue;
      }
      const news = position > reached || live !== toldLive;
      reached = position;
      toldLive = live;
      rested = false;
      if (news) yield { events, bytes, position, live };
      if (!leaving.aborted && reached >= tail.last && tail.live === toldLive) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
    leaving.removeEventListener("abort", leave);
  }
}

/** The tail's events beyond `position`, as far as they fit into one batch. */
function take(position: Position, { filter, dataOf }: Wanted, { server: { limits }, tail, truncations }: SubscriptionContext) {
  let bytes = 0;
  const events: StoredEvent[] = [];
  const taken = tail.after(position, (entry) => {
    const { event } = entry;
    if (!truncations.isHidden(event) && matches(event, filter)) {
      events.push(dataOf === undefined || dataOf(event.stream) ? entry.whole() : event);
      bytes += entry.bytes;
    }
    return events.length >= limits.batchEvents || bytes >= limits.batchBytes;
  });
  return { events, bytes, position: taken.at(-1)?.position ?? position };
}

/** Waits while the server is away. Ends without an error when the consumer leaves or the log closes. */
async function startAt(after: Position, leaving: AbortSignal, context: SubscriptionContext): Promise<void> {
  const { tail, server } = context;
  const left = Promise.withResolvers<"left">();
  const leave = () => left.resolve("left");
  leaving.addEventListener("abort", leave);
  try {
    for (let n = 0; !leaving.aborted; n++) {
      const started = tail
        .start()
        .then(() => checkPlace(after, context))
        .then(
          () => "started" as const,
          (error: unknown) => error,
        );
      const outcome = await Promise.race([started, left.promise]);
      if (outcome === "started" || outcome === "left" || leaving.aborted) return;
      if (!isRepriseError(outcome, "LOG_UNAVAILABLE")) throw outcome;
      await pause(repeatDelay(n, server.limits), server.clock, leaving);
    }
  } finally {
    leaving.removeEventListener("abort", leave);
  }
}

async function checkPlace(after: Position, { server, reader, tail }: SubscriptionContext): Promise<void> {
  if (after === reader.start.after || after === tail.last || after === tail.from || tail.has(after)) return;
  const head = await reader.head();
  const behind = (why: string) => new RepriseError("LOG_BEHIND_CHECKPOINT", `The log ends at position ${head}; ${why} ${after}.`);
  if (after > head) throw behind("the subscription begins after");
  // At a place where no event begins, the server answers with an error; older servers stay silent. At a place that was scavenged, it sends the next event.
  const found = await readAllPage({ ...server, limits: { ...server.limits, repeats: 0 } }, "forward", after, 1, () => false).catch(() => null);
  if (found !== null) return;
  await reader.serverHead(); // LOG_UNAVAILABLE when it is not about the place
  throw behind("it has no event at");
}
