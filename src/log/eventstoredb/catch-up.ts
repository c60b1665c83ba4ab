import type { Position, StoredEvent } from "../../event/event.ts";
import { pause } from "../../event/waits.ts";
import type { SubscribeOptions, SubscriptionBatch } from "../event-log.ts";
import { matches } from "../matches.ts";
import { openSource } from "./catch-up-source.ts";
import { withData } from "./envelope.ts";
import type { SubscriptionContext } from "./subscription-context.ts";
import { repeatDelay } from "./waiting.ts";
import { checkpointEvents } from "./wire/read-request.ts";
import type { Recorded } from "./wire/recorded.ts";

/** Of which events, and the data of which of them. */
export type Wanted = Pick<SubscribeOptions, "filter" | "dataOf">;

/**
 * Reads up to where the tail begins, or until the consumer ends it. Goes on after drops. The server filters, and reports its progress, except for the last
 * events before its end: a server before 23.10 does not say that it has reached that, so they are looked at here when nothing comes any more. A server that was
 * only slow has more of them, and filters the rest again: of half a million events of others each handler would take the time and the memory here.
 */
export async function* catchUp(
  after: Position,
  { filter, dataOf }: Wanted,
  leaving: AbortSignal,
  { server, tail, truncations }: SubscriptionContext,
): AsyncGenerator<SubscriptionBatch, void> {
  const { envelope, limits, clock } = server;
  /** Position of the last event of this log that was handed on or not wanted. */
  let handed = after;
  /** Position of the last event that the server has looked at, of whatever log. */
  let reached = after;
  const filtered = filter ?? (envelope.nativeName("") === "" ? undefined : { streamPrefixes: [""] }); // the namespace's
  const canFilter = filtered !== undefined && Object.values(filtered)[0]!.length > 0;
  let serverFilters = canFilter;
  for (let n = 0; !leaving.aborted && reached < tail.from; n++) {
    /** The log ended at least here when the subscription began, so a subscription that has caught up has passed this position. */
    const target = tail.from;
    const source = openSource(server, reached, serverFilters ? filtered! : null, leaving);
    const filters = serverFilters;
    let sent = 0;
    let quietMs = 0;
    try {
      while (!leaving.aborted && !source.intake.ended && reached < tail.from) {
        const events: StoredEvent[] = [];
        let bytes = 0;
        /** @returns whether the batch is full. */
        const takeEvent = (recorded: Recorded): boolean => {
          if (recorded.position <= reached) return false;
          reached = recorded.position;
          const decoded = envelope.decode(recorded);
          if (decoded === null) return false;
          handed = recorded.position;
          const { event } = decoded;
          if (truncations.isHidden(event) || !matches(event, filter)) return false;
          events.push(dataOf === undefined || dataOf(event.stream) ? withData(event, recorded) : event);
          bytes += decoded.bytes;
          return events.length >= limits.batchEvents || bytes >= limits.batchBytes;
        };
        const arrived = await source.intake.take(
          (answer) => {
            if (answer.is === "event") return takeEvent(answer.event);
            // The server's progress holds for us, because everything that it sent before was taken.
            if (answer.is === "checkpoint" && answer.position > reached) reached = answer.position;
            if (answer.is === "caught_up" && target > reached) reached = target;
            return reached >= tail.from;
          },
          { quietMs: limits.idleMs },
        );
        if (leaving.aborted) return;
        for (const { is } of arrived) if (is === "event") sent++;
        if (arrived.some(({ is }) => is !== "confirmed")) n = 0;
        quietMs = arrived.length > 0 ? 0 : quietMs + limits.idleMs;
        if (quietMs > limits.answerMs) break;
        if (reached >= tail.from && tail.from > handed) handed = tail.from;
        if (events.length > 0 || handed >= tail.from) yield { events, bytes, position: handed, live: false };
        serverFilters = filters ? arrived.length > 0 || source.intake.ended : canFilter && sent > checkpointEvents;
        if (serverFilters !== filters && reached < tail.from) break;
      }
    } catch {
      // As in the tail, it is tried again, after a longer wait each time.
    } finally {
      source.close();
    }
    if (!leaving.aborted && reached < tail.from && serverFilters === filters) await pause(repeatDelay(n, limits), clock, leaving);
  }
}
