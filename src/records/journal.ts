/**
 * The events of a handler's journal: the log's own record of what happened to deliveries. Stored formats: they only ever grow.
 * Positions are decimal strings, times RFC 3339 UTC, lanes stream names.
 */
import type { Json } from "../event/event.ts";
import type { Act } from "./act.ts";
import type { AttemptError, AttemptRecord, DeadLetterCause, Deferrals } from "./attempt.ts";
import type { LaneBlock, LaneState } from "./lane-state.ts";
import type { LaneSnapshot, PartSnapshot, StartedSnapshot } from "./snapshot.ts";

interface AboutDelivery {
  readonly lane: string;
  readonly revision: number;
  /** Position of the event. */
  readonly at: string;
  readonly eventId: string;
}

/** Which part of a split event an outcome is of. */
interface AboutPart {
  readonly part?: number;
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
