import type { Catalog, FailureText } from "../catalog/catalog.ts";
import type { ContextRef, Entity, EventMetadata, Json, PositionText as Position, Priority } from "../event/event.ts";
import type { ExpectedRevision, AppendedEvent as LogsAppendedEvent } from "../log/event-log.ts";
import type { AskedTerms } from "../records/replay.ts";
import type { JobFigures } from "../replay/job.ts";
import type { Plan } from "../replay/plan.ts";
import type { ReportItem } from "../replay/report.ts";
import type { Selection } from "../replay/selection.ts";
import type { DeadLetterDetail, DeadLetterFilter, EventView, PageOptions, ReplayStatus, ReplayView, Views } from "../views/model.ts";

/** An event as someone wants to append it; what is left out is filled in as API.md says. */
export interface EventInput {
  readonly id?: string;
  readonly type: string;
  /** Default: the current version. */
  readonly schemaVersion?: number;
  readonly entity: Entity;
  readonly data: Json;
  readonly source?: string;
  readonly occurredAt?: string;
  readonly priority?: Priority;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
  readonly callChain?: readonly string[];
  readonly contextRefs?: readonly ContextRef[];
  readonly extensions?: EventMetadata["extensions"];
}

export interface AppendOptions {
  readonly tenant?: string;
  /** A revision or "none" needs all events to be of one entity. Default "any". */
  readonly expectedRevision?: ExpectedRevision;
  /** How places in the input are named in errors: `(index) => "#/events/" + index`. */
  readonly pointer?: (index: number) => string;
  /** Of one event: what is appended in its place when its id is that of another source's event. */
  readonly perSource?: EventInput;
}

export interface AppendedEvent extends Omit<LogsAppendedEvent, "position"> {
  readonly entity: Entity;
  readonly position: Position;
}

export interface ReadEntityOptions {
  readonly tenant?: string;
  /** Forward: first revision, default 0. Backward: from there down, default the last. */
  readonly from?: number;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  readonly direction?: "forward" | "backward";
}

export interface ActOptions {
  readonly tenant?: string;
  readonly actor?: string;
  readonly reason?: string;
}

export interface ReplayResult {
  /** `processing`: not over after the patience (10 s single, 30 s batch); follow it by `replayId`. */
  readonly status: "replayed" | "dead_lettered" | "processing";
  readonly replayId: string;
  readonly deliveryId: string;
  readonly originalEventId: string;
  readonly error: FailureText | null;
  readonly position: Position;
}

export interface LaneActOptions extends ActOptions {
  /** Default: every handler that runs here and wants any of the entity's events. */
  readonly handler?: string;
}

export interface LaneActResult {
  /** Those whose lane it was done on. */
  readonly handlers: readonly string[];
  /** Of the last record. */
  readonly position: Position;
}

export interface GivenUp {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly handler: string;
  readonly position: Position;
}

export interface AmendResult {
  /** As it is now: `data` is what would be delivered. */
  readonly entry: DeadLetterDetail;
  readonly position: Position;
}

export interface ReplayBatchResult {
  readonly replayId: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Left alone, and why. */
  readonly skipped: number;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  readonly remaining: number;
  readonly position: Position;
}

export interface PlanOptions {
  readonly tenant?: string;
  readonly actor?: string;
  /** To this handler instead: the dead letters stay what they are. */
  readonly targetHandler?: string;
  /** For the estimate. */
  readonly ratePerSecond?: number;
}

/** A replay as it is right now: what the views know, and what only the process that runs it does. */
export interface ReplayState extends ReplayView, Pick<JobFigures, "followers" | "secondsLeft"> {}

export interface ReplayActed {
  readonly replayId: string;
  readonly status: ReplayStatus;
  readonly position: Position;
}

export interface DiscardBatchResult {
  /** Dead letters chosen. */
  readonly total: number;
  readonly discarded: number;
  /** Those that changed meanwhile, or are under a replay. */
  readonly skipped: number;
  /** Dead letters that match and were not chosen, since they are beyond `maxEvents`. */
  readonly remaining: number;
  readonly position: Position;
}

/** One Reprise: log, catalog, delivery, views. HTTP and CLI are thin layers on it. */
export interface Store {
  readonly catalog: Catalog;
  readonly views: Views;
  /** `logId` of the log. */
  readonly logId: string;

  /** Appends one event or up to 1000. Everything is checked before anything is stored; entities go one after another. */
  append(events: EventInput | readonly EventInput[], options?: AppendOptions): Promise<readonly AppendedEvent[]>;
  /** One page of an entity's events by revision, lifted; `nextFrom` is null at the end. An unknown entity has none. */
  readEntity(
    entity: Entity,
    options?: ReadEntityOptions,
  ): Promise<{ readonly events: readonly EventView[]; readonly nextFrom: number | null; readonly revision: number }>;

  /** Begins (or goes on) to deliver and to project. Resolves when every handler has claimed its journal. */
  start(): Promise<void>;
  /** Null when ready; otherwise what it waits for. */
  notReady(): string | null;
  /** What an operator should look at although the service works, a sentence each. */
  warnings(): readonly string[];
  /** Tries whether an append would be taken and the views would be written, so that `notReady` knows of it on an idle service, too. Never throws. */
  probe(): Promise<void>;
  /** Lets what runs finish (at most 8 s), flushes, releases, closes. May be called twice. */
  close(): Promise<void>;

  /**
   * `id`: event or delivery id; `handler` when several dead-lettered it. With `targetHandler` it goes to that one, as a delivery of the replay's own, and
   * the dead letter stays.
   *
   * @throws NOT_FOUND, NOT_DEAD_LETTERED, HANDLER_AMBIGUOUS, DELIVERY_RUNNING, LETTER_NOT_FIRST, UPCAST_FAILED, MIGRATION_FAILED.
   */
  replay(
    id: string,
    options?: ActOptions & { readonly handler?: string; readonly targetHandler?: string; readonly migration?: string; readonly patienceMs?: number },
  ): Promise<ReplayResult>;
  /** The oldest first, entity order kept; `maxEvents` 1 to 1000, default 100. */
  replayBatch(
    filter: Omit<DeadLetterFilter, "tenant">,
    options?: ActOptions & { readonly maxEvents?: number; readonly ratePerSecond?: number; readonly migration?: string; readonly patienceMs?: number },
  ): Promise<ReplayBatchResult>;
  /** Freezes a selection and says what its replay would do. Lives 24 h. @throws REQUEST_INVALID */
  planReplay(selection: Selection, options?: PlanOptions): Promise<Plan>;
  /** @throws NOT_FOUND */
  replayPlan(planId: string, options?: { readonly tenant?: string }): Promise<Plan>;
  /** Runs exactly what a plan lists, or tries it without effect. @throws NOT_FOUND, PLAN_STALE `{ changed }`, PLAN_USED `{ replayId, actor }` */
  startReplay(planId: string, options: ActOptions & { readonly reason: string; readonly terms: AskedTerms }): Promise<ReplayActed & { readonly total: number }>;
  /** Undefined for an unknown one. */
  replayState(replayId: string, options?: { readonly tenant?: string }): Promise<ReplayState | undefined>;
  /** Newest first. */
  replayStates(options: PageOptions & { readonly tenant?: string }): Promise<{ readonly replays: readonly ReplayState[]; readonly nextCursor: string | null }>;
  /** What became of each item, in the order in which they start; with the difference that lifting makes to its payload. @throws NOT_FOUND */
  replayReport(
    replayId: string,
    options: PageOptions & { readonly tenant?: string },
  ): Promise<{ readonly items: readonly ReportItem[]; readonly nextCursor: string | null }>;
  /** `cancel` answers `cancelling` until it is on record everywhere that nothing of it starts any more. @throws NOT_FOUND, REPLAY_ENDED */
  actOnReplay(replayId: string, verb: "pause" | "resume" | "cancel", options?: ActOptions & { readonly patienceMs?: number }): Promise<ReplayActed>;
  /** From now on. Null: no limit. @throws NOT_FOUND, REPLAY_ENDED */
  setReplayRate(replayId: string, ratePerSecond: number | null, options?: ActOptions): Promise<ReplayActed>;
  /** Gives up the oldest that match, `maxEvents` 1 to 1000, default 100. @throws REQUEST_INVALID for a filter that names nothing. */
  discardBatch(
    filter: Omit<DeadLetterFilter, "tenant">,
    options: ActOptions & { readonly reason: string; readonly maxEvents?: number; readonly resolution?: "not_needed" | "done_by_hand" },
  ): Promise<DiscardBatchResult>;
  /**
   * Gives one dead letter other stored data, for this handler's later deliveries of it. It releases nothing: replay it then.
   *
   * @throws DATA_INVALID, UPCAST_FAILED, APPEND_TOO_LARGE, and as `replay`.
   */
  amend(id: string, options: ActOptions & { readonly data: Json; readonly reason: string; readonly handler?: string }): Promise<AmendResult>;
  /** Nothing of the handler starts until it is resumed; what is under way ends. @returns position of the record. @throws NOT_FOUND for a handler that does not run here. */
  pauseHandler(name: string, options?: ActOptions): Promise<Position>;
  /** @throws NOT_FOUND, NOT_PAUSED */
  resumeHandler(name: string, options?: ActOptions): Promise<Position>;
  /** Has events skipped that are in the handler's journal and not its own, on record, and lets it work again. @throws NOT_FOUND, NOTHING_TO_REPAIR, NOT_OWNER */
  repairHandler(name: string, options: ActOptions & { readonly reason: string }): Promise<{ readonly position: Position; readonly skipped: number }>;
  /** Nothing of the entity starts for one handler, or for each that wants its events; it keeps its place in line. @throws NOT_FOUND */
  pauseEntity(entity: Entity, options?: LaneActOptions): Promise<LaneActResult>;
  /** @throws NOT_FOUND, NOT_PAUSED when none of its lanes is. */
  resumeEntity(entity: Entity, options?: LaneActOptions): Promise<LaneActResult>;
  /** What waits for a retry is tried now. @throws NOT_FOUND, NOT_BACKING_OFF when none of its lanes waits, LANE_PAUSED */
  retryEntity(entity: Entity, options?: LaneActOptions): Promise<LaneActResult>;
  /**
   * Makes a dead letter, with cause `given_up`, of a delivery that waits for its next attempt.
   *
   * @throws NOT_FOUND, NOT_BACKING_OFF, DELIVERY_RUNNING
   */
  giveUp(deliveryId: string, options: ActOptions & { readonly reason: string }): Promise<GivenUp>;
  /** Of a handler that the config has no more: all that waits for it is discarded, and it is shown no more. @throws NOT_FOUND, HANDLER_PRESENT */
  retireHandler(name: string, options: ActOptions & { readonly reason: string }): Promise<{ readonly discarded: number; readonly position: Position }>;
  /** Records the act and begins to rebuild the views beside the old ones; a second call joins the first. @returns position of the record. */
  rebuildViews(options?: ActOptions): Promise<Position>;
  discard(
    id: string,
    options: ActOptions & { readonly reason: string; readonly handler?: string; readonly resolution?: "not_needed" | "done_by_hand" },
  ): Promise<{ readonly entry: DeadLetterDetail; readonly position: Position }>;
}
