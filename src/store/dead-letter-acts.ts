/** What operators do with dead letters, other than replaying them. */
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, partlyDone, RepriseError } from "../errors.ts";
import { type Json, type PositionText as Position, positionText, type StoredEvent } from "../event/event.ts";
import { handlerOfJournal } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import type { Amendments } from "../replay/amendments.ts";
import type { Replays } from "../replay/replays.ts";
import type { AmendmentAct } from "../views/model/amendment.ts";
import type { DeadLetterDetail, DeadLetterFilter } from "../views/model/dead-letter.ts";
import type { Views } from "../views/model/views.ts";
import { actOf, callerOf, type FinalActOptions } from "./caller.ts";
import { type GivenUp, makeGiveUp } from "./give-up.ts";
import { recorded } from "./requests/on-record.ts";

/** `not_needed`: the event need not be handled. `done_by_hand`: somebody did what the handler would have done. */
export type Resolution = NonNullable<Act["resolution"]>;

export interface AmendOptions extends FinalActOptions {
  /** The whole new stored data. */
  readonly data: Json;
  /** Needed when several handlers dead-lettered the event. */
  readonly handler?: string;
}

export interface DiscardOptions extends FinalActOptions {
  /** Needed when several handlers dead-lettered the event. */
  readonly handler?: string;
  readonly resolution?: Resolution;
}

export interface DiscardBatchOptions extends FinalActOptions {
  /** 1 to 1000, default 100. */
  readonly maxEvents?: number;
  readonly resolution?: Resolution;
}

export interface AmendResult {
  /** As it is now: `data` is what would be delivered. */
  readonly entry: DeadLetterDetail;
  readonly position: Position;
}

export interface DiscardResult {
  /** As it was. */
  readonly entry: DeadLetterDetail;
  readonly position: Position;
}

export interface DiscardBatchResult {
  /** Dead letters chosen. */
  readonly total: number;
  readonly discarded: number;
  /** Dead letters that changed meanwhile, or that a replay has taken. */
  readonly skipped: number;
  /** Dead letters that match and were not chosen, since they are beyond `maxEvents`. */
  readonly remaining: number;
  readonly position: Position;
}

export interface DeadLetterActs {
  /**
   * Gives one dead letter other stored data, for this handler's later deliveries of it. It releases nothing: replay it then.
   *
   * @throws DATA_INVALID, UPCAST_FAILED, APPEND_TOO_LARGE, and as `replay`.
   */
  amend(id: string, options: AmendOptions): Promise<AmendResult>;
  /** Gives up one dead letter for good, and releases what is held behind it. @throws as `replay`. */
  discard(id: string, options: DiscardOptions): Promise<DiscardResult>;
  /** Gives up the oldest dead letters that match. @throws REQUEST_INVALID for a filter that names nothing. */
  discardBatch(filter: Omit<DeadLetterFilter, "tenant">, options: DiscardBatchOptions): Promise<DiscardBatchResult>;
  /**
   * Makes a dead letter, with cause `given_up`, of a delivery that waits for its next attempt.
   *
   * @throws NOT_FOUND, NOT_BACKING_OFF, DELIVERY_RUNNING
   */
  giveUp(deliveryId: string, options: FinalActOptions): Promise<GivenUp>;
}

type LetterRecord = Pick<StoredEvent, "stream" | "position"> & { readonly data: { readonly eventId: string } };

interface DeadLetterNeeds {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
  readonly replays: Pick<Replays, "find">;
  readonly amendments: Amendments;
  /** A dead letter as it is shown once it carries `data`. */
  readonly asAmended: (letter: DeadLetterDetail, stored: StoredEvent, data: Json, act: AmendmentAct) => DeadLetterDetail;
}

export function makeDeadLetterActs({ log, views, delivery, replays, amendments, asAmended }: DeadLetterNeeds): DeadLetterActs {
  /** The dead letter that an act on record was about, whatever has become of it since. */
  async function acted(tenant: string, { data, stream, position }: LetterRecord): Promise<DeadLetterDetail> {
    await views.waitFor(position);
    const letters = await views.findDeadLetters(tenant, data.eventId, { over: true });
    const entry = letters.find((letter) => letter.handler === handlerOfJournal(stream));
    if (entry === undefined) throw new RepriseError("NOT_FOUND", "The act is done, and its dead letter is not known any more.");
    return entry;
  }

  return {
    async amend(id, options) {
      const { data, reason, handler } = options;
      const { tenant, actor } = callerOf(options);
      const [done] = await recorded(options, "delivery.amended");
      if (done !== undefined) return { entry: await acted(tenant, done), position: positionText(done.position) };
      const entry = await replays.find(id, tenant, handler);
      const { appended, letter } = await amendments.amend(entry, data, actOf(options));
      const act = { at: appended.recordedAt, actor, reason, migration: null, replayId: null };
      return { entry: asAmended(entry, letter.stored, data, act), position: positionText(appended.position) };
    },

    async discard(id, options) {
      const [done] = await recorded(options, "delivery.settled");
      if (done !== undefined) return { entry: await acted(callerOf(options).tenant, done), position: positionText(done.position) };
      const entry = await replays.find(id, callerOf(options).tenant, options.handler);
      const position = await delivery.must(entry.handler).letters.discard(entry.stream, entry.revision, discardOf(options));
      return { entry, position: positionText(position) };
    },

    async discardBatch(filter, options) {
      if (Object.keys(filter).length === 0)
        throw new RepriseError("REQUEST_INVALID", "Nothing is selected: name what to discard by at least one filter. It is never everything.");
      const { tenant } = callerOf(options);
      // What people are asked about is not discarded by the way. (To count without them takes longer, so it is done only where there are any.)
      const someAsked = (await views.openEscalations(tenant)).length > 0;
      const chosen = { ...filter, tenant, ...(someAsked ? { escalated: 0 as const } : {}) };
      // What an earlier try of the request has discarded is of its number: it does not discard as many again.
      const done = (await recorded(options, "delivery.settled")).map((record) => record.position);
      if (done.length > 0) await views.waitFor(done.at(-1)!);
      const { total: matching } = await views.deadLetters(chosen, { limit: 1, data: false });
      const room = (options.maxEvents ?? 100) - done.length;
      const letters = room > 0 ? await views.oldestDeadLetters(chosen, room) : [];
      const act = discardOf(options);
      const ends = await Promise.allSettled(
        letters.map(async ({ handler, stream, revision }) => delivery.must(handler).letters.discard(stream, revision, act)),
      );
      const refused = ends.filter((end) => end.status === "rejected");
      const total = done.length + ends.length;
      const discarded = total - refused.length;
      const broken = refused.find(({ reason }) => !isRepriseError(reason, "NOT_DEAD_LETTERED", "DELIVERY_RUNNING", "NOT_FOUND"));
      if (broken !== undefined) throw partlyDone(broken.reason, `${discarded} of ${total} dead letters are discarded`);
      const positions = [BigInt(views.position()), ...done, ...ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []))];
      const position = positions.reduce((last, at) => (at > last ? at : last));
      return { total, discarded, skipped: refused.length, remaining: Math.max(0, matching - letters.length), position: positionText(position) };
    },

    giveUp: makeGiveUp({ log, views, delivery }),
  };
}

function discardOf({ resolution, ...options }: DiscardOptions): Act {
  return { ...actOf(options), ...(resolution === undefined ? {} : { resolution }) };
}
