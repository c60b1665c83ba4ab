/**
 * The events of a handler's journal: the log's own record of what happened to deliveries. Stored formats: they only ever grow.
 * Positions are decimal strings, times RFC 3339 UTC, lanes stream names.
 */
import type { Json } from "../event/event.ts";
import type { Act } from "./act.ts";
import type { AttemptError, AttemptRecord, DeadLetterCause, Deferrals } from "./attempt.ts";
import type { Escalation } from "./escalation.ts";
import type { LaneBlock, LaneState } from "./lane-state.ts";
import type { LaneSnapshot, PartSnapshot, StartedSnapshot } from "./snapshot.ts";

/** How the replay of a dead letter ended, as its owner tells it. */
export type AskedEnd =
  | { readonly outcome: "replayed" }
  | { readonly outcome: "dead_lettered"; readonly error: AttemptError }
  | { readonly outcome: "skipped"; readonly reason: string }
  | { readonly outcome: "withdrawn" }
  | { readonly outcome: "awaits_turn"; readonly inMs: number };
/** How a replay's own delivery ended, as the instance that made it tells it. */
export interface ToldEnd {
  readonly kind: string;
}

interface AboutDelivery {
  readonly lane: string;
  readonly revision: number;
  /** Position of the event. */
  readonly at: string;
  readonly eventId: string;
}

/** How the log has the event of a failure: the error group shows it for longer than the event is there. The first builds left it out. */
interface AboutStored {
  readonly type?: string;
  readonly schemaVersion?: number;
}

/** Which part of a split event an outcome is of. */
interface AboutPart {
  readonly part?: number;
}

/**
 * Why the log no longer has events that a lane comes to. `archived`: a run of retention removed them, whose record was there before the handler's. `missing`:
 * later ones are there. `truncated`: none is.
 */
export type LaneGap = "archived" | "missing" | "truncated";

export interface JournalData {
  /** At start, before anything else. Its revision is the epoch. */
  "partition.claimed": {
    readonly owner: string;
    readonly build: string;
    /** The project's own build. Left out when nobody says it. */
    readonly projectBuild?: string;
    readonly catalog: string;
    readonly readAhead: number;
    /** Id of the process, which its signs of life carry, too. The first builds left it out. */
    readonly life?: string;
    /** Whether the previous owner, which did not release the journal, reported its end. The first builds took each end for a reported one. */
    readonly lastEnd?: "told" | "not_told";
    /** What its revision is counted on from to the epoch; left out: 0. */
    readonly epochBase?: number;
  };
  /** Of a handler with several partitions: the stored types of which its owner has known that it wants them, whenever they changed. */
  "partition.wants": { readonly types: readonly string[] };
  /** Clean stop: the last event of an owner. */
  "partition.released": Record<string, never>;
  /**
   * The handler's lanes are divided into so many partitions, in other journals, and this one is nobody's any more. A snapshot behind it begins the journal
   * anew: the handler has come back to this number.
   */
  "partition.closed": { readonly partitions: number };
  /**
   * Last event of each flush. `ahead`: `[lane, next, at]` of changed lanes that are beyond the checkpoint or detached.
   * `completed`: details of deliveries that completed after trouble. A delivery that completes at its first call has no record.
   * `attached` and `started` say what a `lane.attached` and a `delivery.started` of its own say, before the rest: a replay has one of each for each letter.
   */
  progress: {
    readonly checkpoint: string;
    readonly ahead: readonly (readonly [lane: string, next: number, at: string])[];
    readonly completed?: readonly (AboutDelivery & { readonly record: AttemptRecord })[];
    readonly attached?: readonly AttachedLane[];
    readonly started?: readonly StartedCall[];
  };
  /** `at`: position of the last event of the lane that is done (0: none known). */
  "lane.detached": {
    readonly lane: string;
    readonly next: number;
    readonly at: string;
    readonly why: "full" | "slow" | "suspect" | "divided" | LaneBlock;
    /** The damaged place, for LOG_DAMAGED. */
    readonly detail?: string;
  };
  "lane.attached": { readonly lane: string; readonly at: string };
  /** An operator's act: nothing of the lane starts until it is resumed. Detached as above. `before`: its state. */
  "lane.paused": { readonly lane: string; readonly next: number; readonly at: string; readonly before: LaneState; readonly act: Act };
  "lane.resumed": { readonly lane: string; readonly act: Act };
  /** An operator's act: the delivery that waits for a retry is due now. */
  "lane.retried": { readonly lane: string; readonly act: Act };
  "lane.gap": { readonly lane: string; readonly from: number; readonly to: number; readonly why: LaneGap };
  /** `attempt` counts all calls of the delivery. */
  "delivery.started": AboutDelivery & { readonly attempt: number; readonly alone: boolean; readonly replayId?: string };
  /** Part `part` (from 0) of the `of` that the event was split into is done, and others follow. */
  "delivery.part_completed": AboutDelivery & { readonly part: number; readonly of: number; readonly record: AttemptRecord };
  /** An attempt failed and another will come at `retryAt`. `deferred` is left out when it is what it was before. */
  "delivery.failed": AboutDelivery & AboutStored & AboutPart & { readonly record: AttemptRecord; readonly retryAt: string; readonly deferred?: Deferrals };
  /** Not ready: another attempt comes at `until`, and none was used (`record.attempt` is the number of the next). The first builds left `deferred` out. */
  "delivery.deferred": AboutDelivery & AboutPart & { readonly record: AttemptRecord; readonly until: string; readonly deferred?: Deferrals };
  /** The delivery was given up; also after a replay that failed again. `attempts` counts all calls ever, `retryCount` the failed ones of this round. */
  "delivery.dead_lettered": AboutDelivery &
    AboutStored &
    AboutPart & {
      readonly attempts: number;
      readonly retryCount: number;
      readonly cause: DeadLetterCause;
      readonly error: AttemptError;
      readonly chain: string;
      readonly escalated: boolean;
      /** Present when it is escalated; the first builds left it out. */
      readonly escalation?: Escalation;
      /** The last call, when there was one. */
      readonly record: AttemptRecord | null;
      readonly replayId?: string;
      /** Present when an operator gave the delivery up. */
      readonly act?: Act;
    };
  /** A final outcome other than plain completion. `cause`: why the policy skipped it; null for one that a step dropped. */
  "delivery.settled": AboutDelivery &
    AboutStored & {
      readonly outcome: "replayed" | "discarded" | "skipped";
      /** The dead letter before the act, if it was one. */
      readonly before?: "dead_lettered" | "escalated";
      readonly cause: DeadLetterCause | null;
      readonly act: Act;
      /** Of one that waited for a decision, and is discarded: a person refused it, or nobody decided in time. */
      readonly decision?: "rejected" | "expired";
      readonly record: AttemptRecord | null;
      /** For a replay: the lane's live deliveries stay on the replay's pace until the lane has passed this revision. */
      readonly paceThrough?: number;
    };
  /** Dead letters that one replay delivered, in order: each entry says what a `delivery.settled` of its own says. A lone one has its own. */
  "letters.replayed": { readonly act: Act; readonly letters: readonly ReplayedLetter[] };
  /** A person approved what waited for a decision. It runs at once, under `runId`; a replay that has `act.replayId` sees to that itself. */
  "delivery.decided": AboutDelivery & { readonly decision: "approved"; readonly runId: string; readonly act: Act };
  /** Somebody was told that a decision is open for long: once for each. */
  "delivery.noticed": AboutDelivery & { readonly stage: "due_soon" | "due" };
  /**
   * Later deliveries of this dead letter to this handler carry `data` in place of the stored data; it releases nothing. The record takes an append of its
   * own, because the data may fill one. `replaces`: the amendment in force before, which stays on record.
   */
  "delivery.amended": AboutDelivery & {
    /** The whole new stored data, of the event's stored type and version. */
    readonly data: Json;
    readonly before: "dead_lettered" | "escalated";
    readonly replaces: "stored" | "amended";
    readonly act: Act;
  };
  /** The handler comes back after it was retired: it delivers nothing up to here. */
  "partition.reset": { readonly checkpoint: string };
  /** The answer to an act that another instance asked for, where no other fact says what it came to. `end`: of a replay's delivery. */
  "act.done": { readonly actId: string; readonly end: AskedEnd | ToldEnd | null };
  /** The owner does not do what it was asked for: an error code, and why. */
  "act.refused": { readonly actId: string; readonly code: string; readonly detail: string; readonly fields?: Readonly<Record<string, Json>> };
  /** The job starts nothing here any more. */
  "replay.stopped": { readonly replayId: string };
  /** The whole state at the moment when part 0 was written, in `parts` events. It is valid when all parts are there. */
  snapshot: {
    readonly set: string;
    readonly part: number;
    readonly parts: number;
    readonly checkpoint: string;
    readonly clean: boolean;
    readonly readAhead: number;
    readonly life?: string;
    /** What the journal's revisions are counted on from; left out: 0. */
    readonly epochBase?: number;
    /** Of the last `partition.wants`; in part 0. */
    readonly types?: readonly string[];
    readonly lanes: readonly LaneSnapshot[];
    readonly started: readonly StartedSnapshot[];
    /** In part 0; left out when there are none. */
    readonly partsDone?: readonly PartSnapshot[];
  };
}

/** A lane that the subscription feeds again, as a `progress` has it. */
export type AttachedLane = readonly [lane: string, at: string];
/** A call that is about to be made, and not alone, as a `progress` has it. */
export type StartedCall = readonly [lane: string, revision: number, at: string, eventId: string, attempt: number, replayId: string | null];

/** A dead letter that was delivered, as a `letters.replayed` has it. */
export type ReplayedLetter = readonly [
  lane: string,
  revision: number,
  at: string,
  eventId: string,
  before: "dead_lettered" | "escalated",
  record: AttemptRecord | null,
  paceThrough: number | null,
];

export type JournalEventType = keyof JournalData;

export type JournalEvent = { readonly [T in JournalEventType]: { readonly type: T; readonly data: JournalData[T] } }[JournalEventType];
