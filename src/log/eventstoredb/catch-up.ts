import type { Position, StoredEvent } from "../../event/event.ts";
import { pause } from "../../event/waits.ts";
import type { EventFilter, SubscriptionBatch } from "../event-log.ts";
import { matches } from "../matches.ts";
import { openSource } from "./catch-up-source.ts";
import type { SubscriptionContext } from "./subscription-context.ts";
import { repeatDelay } from "./waiting.ts";

/** Reads up to where the tail begins, or until the consumer ends it. Goes on after drops. */
export async function* catchUp(
  after: Position,
  filter: EventFilter | undefined,
  leaving: AbortSignal,
  { server, tail, truncations }: SubscriptionContext,
): AsyncGenerator<SubscriptionBatch, void> {
  const { envelope, limits, clock } = server;
  /** Position of the last event of this log that was handed on or not wanted. */
  let handed = after;
  /** Position of the last event that the server has looked at, of whatever log. */
  let reached = after;
  let serverFilters = filter !== undefined && Object.values(filter)[0]!.length > 0;
  for (let n = 0; !leaving.aborted && reached < tail.from; n++) {
    /** The log ended at least here when the subscription began, so a subscription that has caught up has passed this position. */
    const target = tail.from;
    const source = openSource(server, reached, serverFilters ? filter! : null, leaving);
    let quietMs = 0;
    try {
      while (!leaving.aborted && !source.intake.ended && reached < tail.from) {
        const events: StoredEvent[] = [];
        let bytes = 0;
        // The server's progress holds for us once everything that it sent before was taken.
        if (source.isTaken() && source.checkpoint() > reached) reached = source.checkpoint();
        if (source.isTaken() && source.hasCaughtUp() && target > reached) reached = target;
        const arrived =
          reached >= tail.from
            ? []
            : await source.intake.take(
                ({ event }) => {
                  const position = event?.position?.commit;
                  if (event === undefined || position === undefined || position <= reached) return false;
                  reached = position;
                  const decoded = envelope.decode(event);
                  if (decoded === null) return false;
                  handed = position;
                  if (truncations.isHidden(decoded.event) || !matches(decoded.event, filter)) return false;
                  events.push(decoded.event);
                  bytes += decoded.bytes;
                  return events.length >= limits.batchEvents || bytes >= limits.batchBytes;
                },
                { quietMs: limits.idleMs },
              );
        if (leaving.aborted) return;
        if (arrived.length > 0) n = 0;
        quietMs = arrived.length > 0 ? 0 : quietMs + limits.idleMs;
        if (quietMs > limits.answerMs) break;
        if (reached >= tail.from && tail.from > handed) handed = tail.from;
        if (events.length > 0 || handed >= tail.from) yield { events, bytes, position: handed, live: false };
        if (arrived.length === 0 && !source.intake.ended && serverFilters && reached < tail.from) {
          // Fewer events than a checkpoint's worth are left, and none of them is wanted; servers before 23.10 do not say that they have caught up.
          serverFilters = false;
          break;
        }
      }
    } catch {
      // As in the tail, it is tried again, after a longer wait each time.
    } finally {
      source.close();
    }
    if (!leaving.aborted && reached < tail.from && serverFilters === (filter !== undefined)) await pause(repeatDelay(n, limits), clock, leaving);
  }
}
