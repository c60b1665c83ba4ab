/** What the views answer with. Member by member the wire's shapes of API.md, in code's names. */
import type { FailureText, LiftStep } from "../catalog/catalog.ts";
import type { Change } from "../event/changes.ts";
import type { AnyPosition, ContextRef, Entity, EventMetadata, Json, PositionText as Position, Priority, StoredEvent } from "../event/event.ts";
import type { AttemptRecord, DeadLetterCause } from "../records/attempt.ts";
import type { OwnOutcome, ReplayKind, ReplayTerms } from "../records/replay.ts";

export const deliveryStatuses = [
  "pending",
  "processing",
  "completed",
  "failed",
  "dead_lettered",
  "held",
  "escalated",
  "replayed",
  "discarded",
  "skipped",
] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];
/** `stuck`: its call has not settled after its time-out. */
export const laneStates = ["flowing", "backing_off", "blocked", "paused", "behind", "stuck"] as const;
export type LaneState = (typeof laneStates)[number];

/**
 * `fenced`: another instance owns it. `standby`: another one does, and this one waits to take over. `absent`: it is not in the config any more.
 * `stopped`: it stands still for good.
 */
export const handlerStates = ["running", "paused", "fenced", "standby", "absent", "stopped"] as const;
export type HandlerState = (typeof handlerStates)[number];

/** That a dead letter was given other data: by whom, and why. */
export interface AmendmentAct {
  readonly at: string;
  readonly actor: string;
  readonly reason: string | null;
  /** The migration that made the data; null: by hand. */
  readonly migration: string | null;
  readonly replayId: string | null;
}

/** The amendment in force. */
export interface AmendmentView extends AmendmentAct {
  /** The whole new stored data, of the event's stored type and version. */
  readonly data: Json;
  /** From what the log holds to `data`: the first 100. */
  readonly changes: readonly Change[];
  readonly changesTotal: number;
}

/** Something that the handler did outside for the event, on record; without its result. */
export interface EffectView {
  readonly key: string;
  /** Of a split event: for which part. */
  readonly part: number | null;
  readonly at: string;
  /** The replay that did it. */
  readonly replayId: string | null;
}

export interface DeliveryView {
  readonly deliveryId: string;
  readonly handler: string;
  readonly status: DeliveryStatus;
  /** All calls ever. */
  readonly attempts: number;
  /** The failed ones of this round. */
  readonly retryCount: number;
  readonly error: FailureText | null;
  readonly nextAttemptAt: string | null;
  readonly processedAt: string | null;
  readonly replayId: string | null;
  /** Newest first, at most 50. Empty in lists. */
  readonly history: readonly AttemptRecord[];
  /** Newest first, at most 50. Empty in lists. */
  readonly amendments: readonly AmendmentAct[];
  /** In the order done, at most 256. Empty in lists. */
  readonly effects: readonly EffectView[];
}

/** One of the events that a stored one is today. */
export interface PartView {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: Json;
}

/** Data as today's schema has it, beside what the log holds. */
export interface LiftedView {
  readonly schemaVersion: number;
  /** Null when the payload cannot be lifted (`dataError` says why), or is not one event today (see `parts`, `dropped`). */
  readonly data: Json;
  readonly dataError: string | null;
  /** What the event was split into, in order; null for one that is not split. */
  readonly parts: readonly PartView[] | null;
  /** Why a step dropped the event; null for one that is not dropped. */
  readonly dropped: string | null;
  readonly stored: { readonly type: string; readonly schemaVersion: number; readonly data: Json };
}

export interface EventView extends LiftedView {
  readonly id: string;
  readonly type: string;
  readonly entity: Entity;
  readonly tenant: string;
  readonly revision: number;
  readonly position: Position;
  readonly source: string | null;
  readonly occurredAt: string | null;
  readonly recordedAt: string;
  readonly priority: Priority;
  readonly correlationId: string | null;
  readonly causationId: string | null;
  readonly traceparent: string | null;
  readonly callChain: readonly string[] | null;
  readonly contextRefs: readonly ContextRef[] | null;
  readonly extensions: EventMetadata["extensions"] | null;
  readonly deliveries: readonly DeliveryView[];
}

export interface EventFilterOptions {
  readonly tenant: string;
  readonly status?: DeliveryStatus;
  readonly handler?: string;
  readonly eventType?: string;
  readonly source?: string;
  readonly entityType?: string;
  readonly entityId?: string;
  readonly correlationId?: string;
  /** Recorded at or after, before: milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** `cursor` is opaque, from the page before; a malformed one is REQUEST_INVALID. */
export interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}

export interface LaneView {
  readonly handler: string;
  readonly laneState: LaneState;
  /** Why it does not flow, in words; null when it does. */
  readonly why: string | null;
  readonly nextRevision: number;
  /** Wanted events of the entity without an outcome, dead letters included. */
  readonly waiting: number;
  /** The first of them. */
  readonly head: {
    readonly eventId: string;
    readonly revision: number;
    readonly status: DeliveryStatus;
    readonly error: FailureText | null;
    readonly nextAttemptAt: string | null;
  } | null;
}

export interface EntityView {
  readonly entity: Entity;
  readonly tenant: string;
  readonly revision: number;
  readonly lastEventAt: string;
  /** Of each handler that wants any of its events. */
  readonly handlers: readonly LaneView[];
}

export interface EntityFilterOptions {
  readonly tenant: string;
  readonly laneState?: LaneState;
  readonly handler?: string;
  readonly entityType?: string;
}

export interface DeadLetterFilter {
  readonly tenant: string;
  readonly eventType?: string;
  readonly source?: string;
  readonly handler?: string;
  readonly entityType?: string;
  readonly entityId?: string;
  /** `<type>` or `<type>: <message>`. */
  readonly error?: string;
  readonly cause?: DeadLetterCause;
  readonly replayId?: string;
  /** When dead-lettered: milliseconds since 1970, `since ≤ t < until`. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

export interface DeadLetterView {
  /** The event's. */
  readonly id: string;
  readonly deliveryId: string;
  readonly handler: string;
  readonly tenant: string;
  readonly stream: string;
  readonly position: Position;
  readonly entity: Entity;
  readonly eventType: string;
  readonly source: string | null;
  readonly revision: number;
  readonly schemaVersion: number;
  readonly storedSchemaVersion: number;
  readonly data: Json;
  readonly dataError: string | null;
  /** When its data was amended: `data` is of the amendment. Null: it is of what is stored. */
  readonly amendedAt: string | null;
  /** Of a split event: which part is dead-lettered (`eventType`, `schemaVersion` and `data` are its own), and all of them. */
  readonly part: number | null;
  readonly parts: readonly PartView[] | null;
  readonly dropped: string | null;
  readonly status: "dead_lettered" | "escalated";
  readonly cause: DeadLetterCause;
  readonly error: FailureText;
  readonly attempts: number;
  readonly retryCount: number;
  /** Later events held behind it. */
  readonly waiting: number;
  readonly replayId: string | null;
  /** When the event was recorded. */
  readonly createdAt: string;
  readonly firstFailedAt: string;
  readonly deadLetteredAt: string;
}

export interface DeadLetterDetail extends DeadLetterView {
  /** As the log holds it, whatever was amended. */
  readonly stored: LiftedView["stored"] | null;
  readonly amendment: AmendmentView | null;
  /** All of them, newest first, at most 50. */
  readonly amendments: readonly AmendmentAct[];
  readonly steps: readonly LiftStep[];
  /** The first 10 events held behind it. */
  readonly waitingEvents: readonly { readonly id: string; readonly type: string; readonly revision: number; readonly recordedAt: string }[];
  readonly history: readonly AttemptRecord[];
}

export interface DeadLetterStats {
  readonly total: number;
  /** Events held behind the dead letters that match. */
  readonly waiting: number;
  readonly oldestAt: string | null;
  readonly byEventType: readonly { readonly eventType: string; readonly count: number }[];
  readonly byHandler: readonly { readonly handler: string; readonly count: number }[];
  readonly bySource: readonly { readonly source: string | null; readonly count: number }[];
  /** `<type>: <message>`, the ten most frequent. */
  readonly topErrors: readonly { readonly error: string; readonly count: number }[];
}

export interface HandlerView {
  readonly name: string;
  readonly ordering: "strict" | "relaxed";
  readonly state: HandlerState;
  /** Why it delivers nothing, in words; null while it does. */
  readonly why: string | null;
  /** What stopped it, with the error's code; null unless it is `stopped` or `fenced`. */
  readonly fault: string | null;
  /** wanted = done + waiting. */
  readonly wanted: number;
  readonly done: number;
  readonly waiting: number;
  /** Wanted events that no attempt was begun for (neither failed nor dead-lettered), and the age of the oldest in seconds. */
  readonly lagEvents: number;
  readonly lagSeconds: number;
  readonly byStatus: Readonly<Record<DeliveryStatus, number>>;
  readonly lanes: Readonly<Record<LaneState, number>>;
}

export const replayStatuses = ["running", "pausing", "paused", "cancelling", "cancelled", "stopped", "completed"] as const;
export type ReplayStatus = (typeof replayStatuses)[number];

export interface ReplayView extends ReplayTerms {
  readonly replayId: string;
  readonly planId: string | null;
  readonly kind: ReplayKind;
  readonly status: ReplayStatus;
  readonly reason: string | null;
  readonly actor: string;
  readonly targetHandler: string | null;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly remaining: number;
  readonly createdAt: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  /** Why it stopped before its end. */
  readonly why: string | null;
  /** Null until it has ended, and for replays without a plan. */
  readonly newSince: number | null;
  /** Position at which its items were chosen. */
  readonly cutoff: Position | null;
}

/** A dead letter as plans and replays need it: a pointer with its cause. */
export interface LetterPointer {
  readonly handler: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly eventId: string;
  /** As the log holds it. */
  readonly type: string;
  readonly attempts: number;
  readonly error: FailureText;
}

/** What a lane holds behind its dead letters. */
export interface HeldLane {
  /** Events held behind them, and the last one's revision. */
  readonly held: number;
  readonly through: number | null;
  /** Revisions of all its dead letters, in order. */
  readonly letters: readonly number[];
  readonly ordering: "strict" | "relaxed";
}

export interface HistoryFilter {
  readonly tenant: string;
  readonly handler: string;
  /** Current names of the types to take. */
  readonly types: readonly string[];
  readonly entityType?: string;
  readonly entityId?: string;
  /** Recorded at or after, before: milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Both inclusive. */
  readonly fromPosition?: AnyPosition;
  readonly toPosition?: AnyPosition;
}

/** An event that was delivered before, or was never wanted. */
export interface HistoryPointer {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly eventId: string;
  readonly type: string;
  /** Of its delivery to the handler; null when the handler does not want it. */
  readonly status: DeliveryStatus | null;
}

/** What runs in this process right now: `processing` is in nobody's record. */
export interface RunningDeliveries {
  /** Streams and revisions being delivered now to one handler; `stuck`: the call goes on although its time-out is over. */
  running(handler: string): readonly { readonly stream: string; readonly revision: number; readonly stuck?: boolean }[];
  /** What has become of a handler in this process. */
  condition(handler: string): HandlerCondition;
}

/** What only the running process knows of a handler; whether it is paused is on record. */
export interface HandlerCondition {
  readonly state: Exclude<HandlerState, "paused">;
  /** The error that made it stand still, as `<code>: <message>`; null when none did. */
  readonly fault: string | null;
}

export interface RecordedDelivery {
  readonly handler: string;
  readonly stream: string;
  readonly revision: number;
  readonly eventId: string;
  readonly status: DeliveryStatus;
  readonly error: FailureText | null;
}

/** The read side. Answers are as of `position()`; `waitFor` to read your own write. */
export interface Views {
  /** Position of the last event that the rows contain. */
  position(): Position;
  /** Resolves when the rows contain `position`. @throws VIEW_BEHIND after `timeoutMs` (default 5000). */
  waitFor(position: AnyPosition, timeoutMs?: number): Promise<void>;

  event(tenant: string, id: string): Promise<EventView | undefined>;
  events(filter: EventFilterOptions, page: PageOptions): Promise<{ readonly events: readonly EventView[]; readonly nextCursor: string | null }>;
  /** Where events of a tenant stand, by id; those that the rows do not contain are left out. */
  locate(tenant: string, ids: readonly string[]): readonly { readonly id: string; readonly stream: string; readonly revision: number }[];
  /** Events read from the log, as lists show them. */
  present(events: readonly StoredEvent[]): readonly EventView[];
  entity(tenant: string, entity: Entity): Promise<EntityView | undefined>;
  entities(filter: EntityFilterOptions, page: PageOptions): Promise<{ readonly entities: readonly EntityView[]; readonly nextCursor: string | null }>;

  /** Newest event first; `offset` at most 10,000. With `data: false` no payload is read: `data` is null. */
  deadLetters(
    filter: DeadLetterFilter,
    page: PageOptions & { readonly offset?: number; readonly data?: boolean },
  ): Promise<{ readonly events: readonly DeadLetterView[]; readonly total: number; readonly nextCursor: string | null }>;
  /** Dead letters (all handlers) of one event id or delivery id, whatever their handler. */
  findDeadLetters(tenant: string, id: string): Promise<readonly DeadLetterDetail[]>;
  /** Oldest event first, for replay: pointers only. At most `limit`. */
  oldestDeadLetters(filter: DeadLetterFilter, limit: number): Promise<readonly LetterPointer[]>;
  /** The dead letters of these event or delivery ids, oldest event first, and how many of the ids name an event or delivery without one, or nothing. */
  deadLettersOf(
    tenant: string,
    ids: readonly string[],
  ): Promise<{ readonly letters: readonly LetterPointer[]; readonly notDeadLettered: number; readonly unknown: number }>;
  /** What lanes hold that have dead letters, in the order asked. */
  heldLanes(lanes: readonly { readonly handler: string; readonly stream: string }[]): Promise<readonly HeldLane[]>;
  /** Events of the log for one handler, oldest first, as a replay of history needs them. At most `limit`. */
  history(filter: HistoryFilter, limit: number): Promise<readonly HistoryPointer[]>;
  /** How many dead letters of the filter (of any of `handlers`) are younger than a position, those that a replay left apart. */
  deadLettersSince(filter: DeadLetterFilter, handlers: readonly string[], position: AnyPosition, replayId: string): Promise<number>;
  deadLetterStats(filter: DeadLetterFilter): Promise<DeadLetterStats>;
  /** Status of one event's delivery, for refusing an act with its reason; undefined when no such event or delivery. */
  deliveriesOf(tenant: string, id: string): Promise<readonly DeliveryView[]>;

  /** A delivery that has a record of its own, since it did not simply complete. */
  recordedDelivery(tenant: string, deliveryId: string): Promise<RecordedDelivery | undefined>;

  /** The first of these names that nothing has, and what there is instead; null when all are known. As of now, without waiting. */
  unknownName(names: {
    readonly handler?: string | undefined;
    readonly eventType?: string | undefined;
  }): { readonly what: "handler" | "event_type"; readonly name: string; readonly known: string } | null;

  handlers(): Promise<readonly HandlerView[]>;
  replay(replayId: string): Promise<ReplayView | undefined>;
  /** Newest first. */
  replays(tenant: string, page: PageOptions): Promise<{ readonly replays: readonly ReplayView[]; readonly nextCursor: string | null }>;
  /** What came of a replay's own deliveries, by item, from this one on. */
  ownOutcomes(replayId: string, from: number, limit: number): Promise<readonly OwnOutcome[]>;
  /** Outcome so far of each item of a replay, by `<handler>\n<stream>\n<revision>`. */
  replayOutcomes(replayId: string): Promise<ReadonlyMap<string, "replayed" | "dead_lettered">>;
  /** The same of one item. */
  replayOutcome(
    replayId: string,
    item: { readonly handler: string; readonly stream: string; readonly revision: number },
  ): Promise<"replayed" | "dead_lettered" | undefined>;
  /** Replays without an end, and the plans that they run. */
  openReplays(): Promise<readonly { readonly replayId: string; readonly planId: string | null }[]>;

  /** Starts a rebuild into a new file beside the old one, swapped in when it has caught up. A second call joins the first. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}
