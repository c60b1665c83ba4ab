/**
 * The events of a handler's journal: the log's own record of what happened to deliveries. Stored formats: they only ever grow.
 * Positions are decimal strings, times RFC 3339 UTC, lanes stream names. DELIVERY §3 has the fold.
 */
import type { FailureText } from "../catalog/catalog.ts";
import type { Json } from "../event/event.ts";
import type { Ends } from "./ends.ts";
import type { Deferrals } from "./waits.ts";

export type DeadLetterCause = "exhausted" | "terminal" | "schema" | "crash" | "unknown_outcome" | "given_up";
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

/** What blocks a lane without a dead letter, until a build or a log comes that does not have it: each claim tries again. */
export type LaneBlock = "newer_build" | "LOG_DAMAGED";

export function isLaneBlock(why: string): why is LaneBlock {
  return why === "newer_build" || why === "LOG_DAMAGED";
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

/** Both left out when there are none, and by the first builds. */
interface WaitSnapshot {
  /** How long the wait until `retryAt` was when it began: clocks may be set meanwhile, and waits are what was set. */
  readonly waitMs?: number;
  readonly deferred?: Deferrals;
}

export interface LetterSnapshot {
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  readonly attempts: number;
  readonly escalated: boolean;
  /** Failed calls of the replay under way, and when its next one is due. */
  readonly replay: ({ readonly replayId: string; readonly failed: number; readonly retryAt: string | null } & WaitSnapshot) | null;
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
  /** As `Ends` has them; left out by the first builds. */
  readonly kills?: number;
  readonly told?: number;
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

export interface LaneSnapshot extends WaitSnapshot {
  readonly lane: string;
  readonly next: number;
  readonly at: string;
  readonly detached: boolean;
  readonly why: LaneBlock | null;
  readonly attempts: number;
  readonly retryAt: string | null;
  readonly letters: readonly LetterSnapshot[];
  /** Left out when it is not. */
  readonly paused?: true;
  readonly pace?: { readonly replayId: string; readonly through: number };
}

export interface JournalData {
  /** At start, before anything else. Its revision is the epoch. */
  "partition.claimed": {
    readonly owner: string;
    readonly build: string;
    readonly catalog: string;
    readonly readAhead: number;
    /** Of the process, whose signs of life bear it, too; left out by the first builds. */
    readonly life?: string;
    /** Whether the owner before, which released nothing, told its end itself. The first builds took each end for one that was told. */
    readonly lastEnd?: "told" | "not_told";
  };
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
    readonly why: "full" | "slow" | "suspect" | LaneBlock;
    /** Of LOG_DAMAGED: the place. */
    readonly detail?: string;
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
  /** Not ready: another attempt comes at `until`, and none was used (`record.attempt` is the next one's number). `deferred`: with this one; left out by the first builds. */
  "delivery.deferred": AboutDelivery & AboutPart & { readonly record: AttemptRecord; readonly until: string; readonly deferred?: Deferrals };
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
      /** Of one that an operator gave up. */
      readonly act?: Act;
    };
  /** A final outcome other than plain completion. `cause`: why the policy skipped it; null for one that a step dropped. */
  "delivery.settled": AboutDelivery & {
    readonly outcome: "replayed" | "discarded" | "skipped";
    /** What it was before the act, when it was a dead letter. */
    readonly before?: "dead_lettered" | "escalated";
    readonly cause: DeadLetterCause | null;
    readonly act: Act;
    readonly record: AttemptRecord | null;
    /** Of a replay: until the lane has passed this revision its live deliveries stay on the replay's pace. */
    readonly paceThrough?: number;
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
  /** The handler comes back after it was retired: nothing up to here is its own to deliver. */
  "partition.reset": { readonly checkpoint: string };
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
    readonly life?: string;
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
  /** An operator's act on a handler that the config has no more: what waited for it, `waiting` events, is discarded. `at`: the log's end then. */
  "handler.retired": { readonly act: Act; readonly at: string; readonly waiting: number };
  /** An operator's act: these revisions of the journal are not its own, and are passed over. `type` null: cannot be read. */
  "handler.repaired": {
    readonly journal: string;
    readonly skipped: readonly { readonly from: number; readonly to: number; readonly type: string | null }[];
    readonly act: Act;
  };
}

/** What a replay does, how fast, and when it stops. */
export interface ReplayTerms {
  readonly ratePerSecond: number | null;
  readonly mode: "run" | "dry_run";
  readonly effects: "once" | "again";
  /** First so many entities alone; then, after a hold, the rest if all went well. */
  readonly canary: { readonly entities: number; readonly holdSeconds: number } | null;
  readonly stopWhen: { readonly failureRatio: number | null; readonly failuresInARow: number | null } | null;
}

/** How a plan is to be run. Without a rate: at the plan's; null: without limit. */
export type AskedTerms = Omit<ReplayTerms, "ratePerSecond"> & { readonly ratePerSecond?: number | null };

/** What the deliveries of a replay are: dead letters, delivered again in their own lanes; or deliveries of its own. */
export type ReplayKind = "single" | "batch" | "dead_letters" | "history";

export interface ReplayRequested extends Partial<ReplayTerms> {
  readonly replayId: string;
  readonly kind: ReplayKind;
  readonly actor: string;
  readonly reason: string | null;
  readonly ratePerSecond: number | null;
  readonly total: number;
  readonly filter: Readonly<Record<string, string>> | null;
  readonly tenant?: string;
  /** Its items are in the plan's stream. */
  readonly planId?: string;
  /** Its deliveries are its own, with delivery ids of their own and outcomes in this stream only. */
  readonly own?: boolean;
  readonly targetHandler?: string | null;
  /** Position at which the items were chosen. */
  readonly cutoff?: string;
  /** Each item is amended with what this migration of the config makes of it, before it is delivered. */
  readonly migration?: string;
}

/** What became of a replay. The counts add up to its total. */
export interface ReplayReport {
  readonly status: "completed" | "stopped" | "cancelled";
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  /** Why it stopped before its end. */
  readonly why?: string | null;
  /** Dead letters of the same handlers that are younger than the cut-off, those of its own items apart. */
  readonly newSince?: number;
}

/** What came of one delivery of a replay's own: its place among the items, and how often it was called. */
export interface OwnOutcome {
  readonly item: number;
  readonly outcome: "succeeded" | "failed";
  readonly attempts: number;
  readonly error: FailureText | null;
  /** Keys of the effects that a dry run would have had. */
  readonly effects?: readonly string[];
}

/** Of `reprise.replay-<id>`. Outcomes of dead letters are only in the journals, with the `replayId`. */
export interface ReplayStreamData {
  "replay.requested": ReplayRequested;
  /** In parts of at most 500 items, in the order in which they start. */
  "replay.items": { readonly items: readonly ReplayItem[] };
  /** Starts nothing further; `replay.paused` once nothing of it runs. */
  "replay.pausing": { readonly act: Act };
  "replay.paused": Record<string, never>;
  "replay.resumed": { readonly act: Act };
  "replay.rate_changed": { readonly ratePerSecond: number | null; readonly act: Act };
  "replay.cancelling": { readonly act: Act };
  /** By its stop conditions or its canary. */
  "replay.stopping": { readonly why: string };
  "replay.canary_passed": { readonly entities: number };
  /** Own deliveries that are about to be called, stored first: one that ends the process is found so. */
  "replay.started": {
    readonly items: readonly number[];
    /** Of the process that calls them, and what earlier ends say of them. Left out by the first builds. */
    readonly life?: string;
    readonly ends?: Ends;
  };
  /** Of own deliveries, in parts of at most 256. */
  "replay.outcomes": { readonly outcomes: readonly OwnOutcome[] };
  "replay.ended": ReplayReport;
}

/** What an operator selected, as it was asked. Times in milliseconds since 1970. */
export type ReplaySelection =
  | { readonly kind: "dead_letters"; readonly filter: Readonly<Record<string, string | number>> }
  | { readonly kind: "ids"; readonly ids: readonly string[] }
  | { readonly kind: "history"; readonly handler: string; readonly filter: Readonly<Record<string, string | number | readonly string[]>> };

/** What a plan found, without payloads. */
export interface PlanFindings {
  readonly planId: string;
  readonly tenant: string;
  readonly actor: string;
  readonly selection: ReplaySelection;
  readonly targetHandler: string | null;
  readonly cutoff: string;
  readonly madeAt: string;
  readonly expiresAt: string;
  /** Items of the plan: what its replay starts. */
  readonly deliveries: number;
  /** Dead letters that the selection matched. */
  readonly deadLetters: number;
  /** Events held behind them that would follow. */
  readonly releases: number;
  readonly entities: number;
  readonly byHandler: readonly { readonly handler: string; readonly deliveries: number; readonly entities: number }[];
  readonly byError: readonly { readonly error: string; readonly count: number }[];
  readonly ineligible: readonly { readonly reason: string; readonly count: number }[];
  readonly invalid: readonly { readonly eventId: string; readonly step: string; readonly error: FailureText }[];
  readonly invalidTotal: number;
  readonly ratePerSecond: number | null;
  /** Fingerprint of each event type's chain: another one makes the plan stale. */
  readonly chains: Readonly<Record<string, string>>;
  /** Items to show as samples. */
  readonly samples: readonly number[];
}

/** Of `reprise.plan-<id>`. Parts of items first; the plan is there once `plan.made` is. */
export interface PlanStreamData {
  "replay.items": { readonly items: readonly ReplayItem[] };
  "plan.made": PlanFindings;
  /** By whoever stores it first; what it started. */
  "plan.used": { readonly job: ReplayRequested };
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
  /** The letter's attempts when it was chosen: another number means it changed since. 0 for a delivery of the replay's own. */
  readonly attempts: number;
  /** Last revision that the lane held back when it was chosen: what it releases stays on the replay's pace up to there. */
  readonly through?: number;
}
