import { eventTypeFilter, type RecordedEvent, START, streamNameFilter } from "@eventstore/db-client";
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import { pause } from "../../event/waits.ts";
import type { EventFilter, SubscribeOptions, SubscriptionBatch } from "../event-log.ts";
import { makeIntake, readAhead } from "./intake.ts";
import { readAllPage } from "./page.ts";
import { matches, type Reader } from "./reader.ts";
import type { Server } from "./server.ts";
import type { Tail } from "./tail.ts";
import type { Truncations } from "./truncations.ts";
import { repeatDelay } from "./waiting.ts";

export interface SubscriptionContext {
  readonly server: Server;
  readonly reader: Reader;
  readonly tail: Tail;
  readonly truncations: Truncations;
}

/** Events that the server looks through for a filter before it says how far it has come: this many times its own 32. */
const checkpointInterval = 16;

/**
 * One loop: behind the tail it catches up with a subscription of its own, which the server filters; from where the tail begins it takes the
 * tail's events. It falls back to catching up when it is so slow that the tail has moved on. A drop is not seen by the consumer: it goes on
 * after the last event that was handed on, and while the server is away nothing comes. Positions handed on are those of events of this log,
 * never a checkpoint's: what is between events cannot be relied on as a place to begin at.
 *
 * @throws LOG_BEHIND_CHECKPOINT when `after` is beyond the end, or at no event's place: such a subscription would be silent for ever.
 */
export async function* subscribe({ after, filter, signal }: SubscribeOptions, context: SubscriptionContext): AsyncGenerator<SubscriptionBatch, void> {
  const { server, tail } = context;
  const leaving = AbortSignal.any([signal, server.closing]);
  let wake = () => {};
  const stop = tail.listen(() => wake());
  const leave = () => wake();
  leaving.addEventListener("abort", leave);
  try {
    await startAt(after, leaving, context);
    let reached = after;
    let toldLive = false;
    let rested = false;
    while (!leaving.aborted) {
      if (reached < tail.from) {
        toldLive = false;
        for await (const batch of catchUp(reached, filter, leaving, context)) {
          reached = batch.position;
          yield batch;
          if (leaving.aborted) return;
        }
        continue;
      }
      const { events, bytes, position } = take(reached, filter, context);
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

/** What the tail has beyond `position`, as far as it fits one batch. */
function take(position: Position, filter: EventFilter | undefined, { server: { limits }, tail, truncations }: SubscriptionContext) {
  let bytes = 0;
  const events: StoredEvent[] = [];
  const taken = tail.after(position, ({ event, bytes: size }) => {
    if (!truncations.isHidden(event) && matches(event, filter)) {
      events.push(event);
      bytes += size;
    }
    return events.length >= limits.batchEvents || bytes >= limits.batchBytes;
  });
  return { events, bytes, position: taken.at(-1)?.position ?? position };
}

/** While the server is away it waits; ends without an error when the consumer leaves or the log closes. */
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
  if (after === 0n || after === tail.last || after === tail.from) return;
  const head = await reader.head();
  const behind = (why: string) => new RepriseError("LOG_BEHIND_CHECKPOINT", `The log ends at position ${head}; ${why} ${after}.`);
  if (after > head) throw behind("the subscription begins after");
  // A place where no event begins gets an error, or silence from older servers. One that was scavenged since gets the next event.
  const found = await readAllPage({ ...server, limits: { ...server.limits, repeats: 0 } }, "forward", after, 1, () => false).catch(() => null);
  if (found !== null) return;
  await reader.serverHead(); // LOG_UNAVAILABLE when it is not about the place
  throw behind("it has no event at");
}

/** Up to where the tail begins, or the consumer ends it. Goes on after drops. */
async function* catchUp(
  after: Position,
  filter: EventFilter | undefined,
  leaving: AbortSignal,
  { server, tail, truncations }: SubscriptionContext,
): AsyncGenerator<SubscriptionBatch, void> {
  const { connection, envelope, limits, clock } = server;
  /** Handed on, or not wanted: of an event of this log. */
  let handed = after;
  /** Looked at by the server: of any event. */
  let reached = after;
  let serverFilters = filter !== undefined && Object.values(filter)[0]!.length > 0;
  for (let n = 0; !leaving.aborted && reached < tail.from; n++) {
    /** The log went at least so far when the subscription began, so it has been there once it has caught up. */
    const target = tail.from;
    let checkpoint = 0n;
    const source = connection.client.subscribeToAll(
      {
        fromPosition: reached === 0n ? START : { commit: reached, prepare: reached },
        requiresLeader: true,
        ...(serverFilters ? { filter: serverFilter(filter!, (position) => (checkpoint = position)) } : {}),
      },
      readAhead,
    );
    const intake = makeIntake(
      source as never as Parameters<typeof makeIntake<{ readonly event?: RecordedEvent & { position?: { commit: Position } } }>>[0],
      clock,
    );
    const wake = () => intake.wake();
    leaving.addEventListener("abort", wake);
    let caughtUp = false;
    let quietMs = 0;
    source.on("caughtUp", () => {
      caughtUp = true;
      intake.wake();
    });
    try {
      while (!leaving.aborted && !intake.ended && reached < tail.from) {
        const events: StoredEvent[] = [];
        let bytes = 0;
        // What the server says about its progress holds for us once all that it sent before is taken.
        if (source.readableLength === 0 && checkpoint > reached) reached = checkpoint;
        if (source.readableLength === 0 && caughtUp && target > reached) reached = target;
        const arrived =
          reached >= tail.from
            ? []
            : await intake.take(
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
        if (arrived.length === 0 && !intake.ended && serverFilters && reached < tail.from) {
          // Fewer events than a checkpoint's worth are left, and none of them is wanted; servers before 23.10 do not say that they have caught up.
          serverFilters = false;
          break;
        }
      }
    } catch {
      // As in the tail: tried again, slower each time.
    } finally {
      leaving.removeEventListener("abort", wake);
      source.on("error", () => {});
      intake.leave();
      source.unsubscribe().catch(() => {});
    }
    if (!leaving.aborted && reached < tail.from && serverFilters === (filter !== undefined)) await pause(repeatDelay(n, limits), clock, leaving);
  }

  function serverFilter(wanted: EventFilter, checkpointReached: (position: Position) => void) {
    const onCheckpoint = async (_: unknown, { commit }: { readonly commit: bigint }) => checkpointReached(commit);
    const options = { checkpointInterval, checkpointReached: onCheckpoint };
    if ("types" in wanted) return eventTypeFilter({ prefixes: [...wanted.types], ...options });
    return streamNameFilter({ prefixes: wanted.streamPrefixes.map((prefix) => envelope.nativeName(prefix)), ...options });
  }
}
