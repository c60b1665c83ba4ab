/**
 * The events of a handler's journal: the log's own record of what happened to deliveries. Stored formats: they only ever grow.
 * Positions are decimal strings, times RFC 3339 UTC, lanes stream names. DELIVERY §3 has the fold.
 */
import type { FailureText } from "../catalog/catalog.ts";
import type { Json } from "../event/event.ts";

export type DeadLetterCause = "exhausted" | "terminal" | "schema" | "crash" | "unknown_outcome";
export type AttemptClass = "transient" | "not_ready" | "terminal" | "schema" | "crash" | "timeout";

export interface AttemptError extends FailureText {
  /** At most 4 KiB. */
  readonly stack?: string;
}

/** One call of a delivery, as kept. */
export interface AttemptRecord {
  /** Counts all calls of the delivery, from 1. */
  readonly attempt: number;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly outcome: "completed" | "failed";
  readonly class: AttemptClass | null;
  readonly error: AttemptError | null;
  readonly httpStatus?: number;
  /** First 4 KiB of what a webhook answered. */
  readonly responseHead?: string;
  readonly log?: readonly string[];
  readonly replayId?: string;
  readonly actor?: string;
  /** Of a dry run: effects that it asked for and that were not run; `recorded` ones gave the result on record. */
  readonly effects?: readonly { readonly key: string; readonly recorded: boolean }[];
}

/** Who decided, and why. */
export interface Act {
  /** The key's name, or `local`; `policy` where the retry policy decided. */
  readonly actor: string;
  readonly reason: string | null;
  readonly replayId?: string;
  readonly resolution?: "not_needed" | "done_by_hand";
  /** Of an amendment: the migration that made the data. */
  readonly migration?: string;
}

/** The first of these that holds. */
export type LaneState = "paused" | "blocked" | "backing_off" | "behind" | "flowing";

interface AboutDelivery {
  readonly lane: string;
  readonly revision: number;
  /** Position of the event. */
  readonly at: string;
  readonly eventId: string;
}

/** Where a dead letter's amendment stands. Its data may be large, and there may be many: the state keeps the place only, and delivery reads it. */
export interface AmendmentPointer {
  /** Of the `delivery.amended` in its journal. */
  readonly revision: number;
  /** The replay whose migration made it. */
  readonly replayId: string | null;
}

export interface LetterSnapshot {
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  readonly attempts: number;
  readonly escalated: boolean;
  /** Failed calls of the replay under way, and when its next one is due. */
  readonly replay: { readonly replayId: string; readonly failed: number; readonly retryAt: string | null } | null;
  /** Left out when the stored data is in force. */
  readonly amended?: AmendmentPointer;
}

/** A recorded intent to call (suspects, replays, `record: "each"`, `unknownOutcome: "escalate"`), open until the outcome is recorded. */
export interface StartedSnapshot {
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  readonly attempt: number;
  readonly alone: boolean;
  readonly replayId: string | null;
  /** Ends of the process while it ran alone. */
  readonly crashes: number;
}

/** Of a split event: its first part that is not done. */
export interface PartSnapshot {
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
  readonly part: number;
}

/** Which part of a split event an outcome is of. */
interface AboutPart {
  readonly part?: number;
}

export interface LaneSnapshot {
  readonly lane: string;
  readonly next: number;
  readonly at: string;
  readonly detached: boolean;
  readonly why: "newer_build" | null;
  readonly attempts: number;
  readonly retryAt: string | null;
  readonly letters: readonly LetterSnapshot[];
  /** Left out when it is not. */
  readonly paused?: true;
}

export interface JournalData {
  /** At start, before anything else. Its revision is the epoch. */
  "partition.claimed": { readonly owner: string; readonly build: string; readonly catalog: string; readonly readAhead: number };
  /** Clean stop: the last event of an owner. */
  "partition.released": Record<string, never>;
  /**
   * Last event of each flush. `ahead`: `[lane, next, at]` of lanes that went on beyond the checkpoint or are detached, and changed.
   * `completed`: details of deliveries that completed after trouble (others completed at the first call and have no record).
   */
  progress: {
    readonly checkpoint: string;
    readonly ahead: readonly (readonly [lane: string, next: number, at: string])[];
    readonly completed?: readonly (AboutDelivery & { readonly record: AttemptRecord })[];
  };
  /** `at`: position of the last event of the lane that is done (0: none known). */
  "lane.detached": {
    readonly lane: string;
    readonly next: number;
    readonly at: string;
    readonly why: "full" | "slow" | "suspect" | "newer_build";
  };
  "lane.attached": { readonly lane: string; readonly at: string };
  /** An operator's act: nothing of the lane starts until it is resumed. Detached as above. `before`: its state. */
  "lane.paused": { readonly lane: string; readonly next: number; readonly at: string; readonly before: LaneState; readonly act: Act };
  "lane.resumed": { readonly lane: string; readonly act: Act };
  /** An operator's act: what waits for a retry is due now. */
  "lane.retried": { readonly lane: string; readonly act: Act };
  "lane.gap": { readonly lane: string; readonly from: number; readonly to: number; readonly why: "missing" | "truncated" };
  /** `attempt` counts all calls of the delivery. */
  "delivery.started": AboutDelivery & { readonly attempt: number; readonly alone: boolean; readonly replayId?: string };
  /** Part `part` (from 0) of the `of` that the event was split into is done, and others follow. */
  "delivery.part_completed": AboutDelivery & { readonly part: number; readonly of: number; readonly record: AttemptRecord };
  /** An attempt failed and another will come at `retryAt`. */
  "delivery.failed": AboutDelivery & AboutPart & { readonly record: AttemptRecord; readonly retryAt: string };
  /** Not ready: another attempt comes at `until`, and none was used (`record.attempt` is the next one's number). */
  "delivery.deferred": AboutDelivery & AboutPart & { readonly record: AttemptRecord; readonly until: string };
  /** Gave up; also a replay that failed again. `attempts` all calls ever, `retryCount` the failed ones of this round. */
  "delivery.dead_lettered": AboutDelivery &
    AboutPart & {
      readonly attempts: number;
      readonly retryCount: number;
      readonly cause: DeadLetterCause;
      readonly error: AttemptError;
      readonly chain: string;
      readonly escalated: boolean;
      /** The last call, when there was one. */
      readonly record: AttemptRecord | null;
      readonly replayId?: string;
    };
  /** A final outcome other than plain completion. `cause`: why the policy skipped it; null for one that a step dropped. */
  "delivery.settled": AboutDelivery & {
    readonly outcome: "replayed" | "discarded" | "skipped";
    /** What it was before the act, when it was a dead letter. */
    readonly before?: "dead_lettered" | "escalated";
    readonly cause: DeadLetterCause | null;
    readonly act: Act;
    readonly record: AttemptRecord | null;
  };
  /**
   * Later deliveries of this dead letter for this handler carry `data` in place of what is stored; it releases nothing. An append of its own, since the
   * data may fill one. `replaces`: what was in force before, which stays on record.
   */
  "delivery.amended": AboutDelivery & {
    /** The whole new stored data, of the event's stored type and version. */
    readonly data: Json;
    readonly before: "dead_lettered" | "escalated";
    readonly replaces: "stored" | "amended";
    readonly act: Act;
  };
  /** The job starts nothing here any more. */
  "replay.stopped": { readonly replayId: string };
  /** The whole state when part 0 was written, in `parts` events; valid when all are there. */
  snapshot: {
    readonly set: string;
    readonly part: number;
    readonly parts: number;
    readonly checkpoint: string;
    readonly clean: boolean;
    readonly readAhead: number;
    readonly lanes: readonly LaneSnapshot[];
    readonly started: readonly StartedSnapshot[];
    /** In part 0; left out when there are none. */
    readonly partsDone?: readonly PartSnapshot[];
  };
}

export type JournalEventType = keyof JournalData;
export type JournalEvent = { readonly [T in JournalEventType]: { readonly type: T; readonly data: JournalData[T] } }[JournalEventType];

/** Of `reprise.handler-<name>`. */
export interface HandlerStreamData {
  /**
   * Whenever it changed. `types`: wanted type → position beyond which it is wanted (`"0"`: from the first event). `stored`: the same for each
   * stored type that can become one of them: other names, types that split into them. Left out by the first builds: then as `types` says.
   */
  "handler.configured": {
    readonly types: Readonly<Record<string, string>>;
    readonly stored?: Readonly<Record<string, string>>;
    readonly ordering: "strict" | "relaxed";
    readonly start: "beginning" | "now";
    readonly partitions: number;
    /** Stream of the journal. */
    readonly journal: string;
    /** URL of a webhook. */
    readonly endpoint: string | null;
  };
  "handler.paused": { readonly why: string; readonly act: Act };
  "handler.resumed": { readonly act: Act };
}

/** Of `reprise.replay-<id>`. Outcomes of the items are only in the journals, with the `replayId`. */
export interface ReplayStreamData {
  "replay.requested": {
    readonly replayId: string;
    readonly kind: "single" | "batch";
    readonly actor: string;
    readonly reason: string | null;
    readonly ratePerSecond: number | null;
    readonly total: number;
    readonly filter: Readonly<Record<string, string>> | null;
    /** Each item is amended with what this migration of the config makes of it, before it is delivered. */
    readonly migration?: string;
  };
  /** In parts of at most 500 items, in the order in which they start. */
  "replay.items": { readonly items: readonly ReplayItem[] };
  "replay.ended": {
    readonly status: "completed" | "stopped";
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
    readonly skips: readonly { readonly reason: string; readonly count: number }[];
  };
}

/** Of `reprise.effects-<handler>-<stream>-<revision>`. */
export interface EffectsStreamData {
  /** The function that a handler gave for `key` succeeded. Its newest result stands in for it ever after. */
  "effect.recorded": {
    readonly handler: string;
    readonly lane: string;
    readonly revision: number;
    readonly eventId: string;
    /** Of a split event: which part the handler was called with. */
    readonly part?: number;
    readonly key: string;
    /** Left out when there was none. At most 64 KiB. */
    readonly result?: Json;
    /** Which call of the delivery ran it. */
    readonly attempt: number;
    /** The replay that ran it. */
    readonly replayId?: string;
  };
}

/** Of `reprise.views`. */
export interface ViewsStreamData {
  "views.rebuild_requested": { readonly act: Act };
}

export interface ReplayItem {
  readonly handler: string;
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  /** The letter's attempts when it was chosen: another number means it changed since. */
  readonly attempts: number;
}
