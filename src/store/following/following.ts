/** Readers that follow the log: told what is in it from a place on, and then what comes. For an edge that tells it to the outside. */
import type { DeliveryLogger } from "../../delivery/delivery-logger.ts";
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import { backOff } from "../../event/waits.ts";
import { readAbridged } from "../../log/abridged/abridgement.ts";
import type { EventLog } from "../../log/event-log.ts";
import { type CatchUpNeeds, catchUp } from "./catch-up.ts";
import { makeCompletions } from "./completions/completions.ts";
import { makeReadSlots } from "./read-slots.ts";
import { type FollowEnd, Reader, type ReaderOptions } from "./reader.ts";
import { makeReaderPlaces } from "./reader-places.ts";
import { SharedTail } from "./shared-tail.ts";
import { makeTeller, type TellerNeeds } from "./teller.ts";
import { type Place, placeText } from "./told.ts";
import { type Wanted, wantsDeliveries } from "./wanted.ts";

/** Each holds a batch of the log, about a megabyte of data. */
const maxReading = 4;
const waits = { firstMs: 250, lastMs: 5000 };

export interface FollowOptions extends Pick<ReaderOptions, "sink" | "encode"> {
  readonly wanted: Wanted;
  /** Null: what comes from now on. */
  readonly from: Place | null;
  /** For whom the reader counts, where several share the places; default: all share one. */
  readonly owner?: string | null;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** A reader at work. */
export interface Followed {
  /** Where it began. */
  readonly from: string;
  /** Where the reader is while nothing waits for it; null while something does. */
  place(): string | null;
  /** It is told nothing more. */
  readonly ended: Promise<FollowEnd>;
}

export interface Following {
  /** Begins at once, and tells as fast as the sink takes it. @throws LIMIT_REACHED, LOG_UNAVAILABLE, CLOSED */
  follow(options: FollowOptions): Promise<Followed>;
}

export interface FollowingNeeds extends TellerNeeds {
  readonly log: Pick<EventLog, "subscribe" | "readStream" | "readAll" | "head">;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

export function makeFollowing(needs: FollowingNeeds): Following {
  const { log, clock, logger, signal: closing } = needs;
  const teller = makeTeller(needs);
  const tail = new SharedTail({ ...needs, teller, completions: makeCompletions(needs) });
  const slots = makeReadSlots(maxReading, () => makeCompletions(needs));
  const reading: CatchUpNeeds = { log, teller, tail, slots, clock };
  const places = makeReaderPlaces();

  async function begin(reader: Reader, from: Place, signal: AbortSignal): Promise<void> {
    let begun = false;
    for (let failures = 0; !signal.aborted; failures++)
      try {
        if (!begun) await mustBeThere(log, from, reader.wanted);
        if (!begun && from.told !== null) reader.beginAfter(await positionBefore(log, from));
        begun = true;
        return await catchUp(reader, reading, signal);
      } catch (err) {
        if (signal.aborted) return;
        if (isRepriseError(err, "LOG_BEHIND_CHECKPOINT")) throw err;
        logger.warn({ err }, "a reader of the stream of events could not read on; tried again");
        await backOff(failures, waits, clock, signal);
      }
  }

  function run({ wanted, sink, encode, signal: left, owner = null }: FollowOptions, from: Place): Followed {
    const giveBack = places.take(owner);
    const { promise: ended, resolve } = Promise.withResolvers<FollowEnd>();
    const stop = new AbortController();
    const storedTypes = wanted.eventType === undefined ? null : teller.storedTypes(wanted.eventType);
    const reader = new Reader({ wanted, storedTypes, from, sink, encode, onBehind: () => end("behind") });
    const end = (why: FollowEnd): void => {
      if (stop.signal.aborted) return;
      stop.abort();
      giveBack();
      tail.leave(reader);
      slots.forget(reader);
      reader.clear();
      left.removeEventListener("abort", onLeft);
      closing.removeEventListener("abort", onClosing);
      resolve(why);
    };
    const onLeft = () => end("left");
    const onClosing = () => end("closed");
    left.addEventListener("abort", onLeft);
    closing.addEventListener("abort", onClosing);
    if (left.aborted) end("left");
    else if (closing.aborted) end("closed");
    else begin(reader, from, stop.signal).catch(() => end("gone"));
    return { from: placeText(from), place: () => reader.idlePlace, ended };
  }

  return {
    async follow(options) {
      if (closing.aborted) throw new RepriseError("CLOSED", "The store is closed.");
      const { owner = null } = options;
      places.mustHaveRoom(owner);
      const from = options.from ?? (await now(log, tail));
      places.mustHaveRoom(owner);
      return run(options, from);
    },
  };
}

/** A subscription begins after an event, never between two. */
async function positionBefore(log: Pick<EventLog, "readAll">, { position }: Place): Promise<Position> {
  for await (const batch of log.readAll({ after: position, direction: "backward", limit: 1 })) for (const event of batch) return event.position;
  return 0n;
}

/** Now: the log's end, or what the others have been told, whichever is later. */
async function now(log: Pick<EventLog, "head">, tail: SharedTail): Promise<Place> {
  const head = await log.head();
  const told = tail.position ?? 0n;
  return { position: told > head ? told : head, told: null };
}

/** Also where others are at the log's end already: who joins them there is not looked at by the log. */
async function mustBeThere(log: Pick<EventLog, "head" | "readStream">, { position }: Place, wanted: Wanted): Promise<void> {
  if (position > (await log.head())) throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The log ends before position ${position}.`);
  // Whoever begins with the first event asks for what there is. Anyone else would miss changes that were there to be told.
  if (position === 0n || !wantsDeliveries(wanted)) return;
  for (const { journal, through } of (await readAbridged(log)).values())
    if (position < BigInt(through)) throw new RepriseError("LOG_BEHIND_CHECKPOINT", `${journal} was shortened up to position ${through}.`);
}
