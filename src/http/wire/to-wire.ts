/** From code's names to the wire's. `data` and `extensions` go out as they are. */
import type { LiftStep } from "../../catalog/catalog.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { Plan } from "../../replay/show-plan.ts";
import type { DiscardBatchResult } from "../../store/dead-letter-acts.ts";
import type { ReplayActed, ReplayState } from "../../store/replay-acts.ts";
import type { Store } from "../../store/store.ts";
import type { AmendmentAct, DeadLetterDetail, DeadLetterStats, DeadLetterView, DeliveryView, EntityView, EventView, HandlerView } from "../../views/model.ts";
import type {
  AppendReply,
  AttemptReply,
  DeadLetterDetailReply,
  DeadLetterReply,
  DeadLetterStatsReply,
  DiscardBatchReply,
  EntityReply,
  EventReply,
  HandlersReply,
  PlanReply,
  ReplayActReply,
  ReplayBatchReply,
  ReplayedReply,
  ReplayReply,
  ReplayReportReply,
} from "./replies.ts";

type Appended = Awaited<ReturnType<Store["append"]>>;
type Replayed = Awaited<ReturnType<Store["replay"]>>;
type ReplayedBatch = Awaited<ReturnType<Store["replayBatch"]>>;

export function toAppendReply(events: Appended): AppendReply {
  return {
    events: events.map((event) => ({
      id: event.id,
      entity: { ...event.entity },
      revision: event.revision,
      position: String(event.position),
      recorded_at: event.recordedAt,
      duplicate: event.duplicate,
    })),
  };
}

/** @param as `stored`: `schema_version` and `data` are what the log holds. */
export function toEventReply(event: EventView, as: "current" | "stored" = "current"): EventReply {
  const shown = as === "stored" ? { ...event.stored, dataError: null, parts: null, dropped: null } : event;
  return {
    id: event.id,
    type: as === "stored" ? event.stored.type : event.type,
    entity: { ...event.entity },
    tenant: event.tenant,
    revision: event.revision,
    position: String(event.position),
    source: event.source,
    occurred_at: event.occurredAt,
    recorded_at: event.recordedAt,
    priority: event.priority,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    traceparent: event.traceparent,
    call_chain: event.callChain === null ? null : [...event.callChain],
    context_refs: event.contextRefs === null ? null : event.contextRefs.map(({ kind, ref }) => ({ kind, ref })),
    extensions: event.extensions ?? null,
    schema_version: shown.schemaVersion,
    data: shown.data,
    data_error: shown.dataError,
    ...toToday(shown),
    stored: toStored(event.stored),
    deliveries: event.deliveries.map(toDelivery),
  };
}

export function toEntityReply(view: EntityView): EntityReply {
  return {
    entity: { ...view.entity },
    tenant: view.tenant,
    revision: view.revision,
    last_event_at: view.lastEventAt,
    handlers: view.handlers.map((lane) => ({
      handler: lane.handler,
      lane_state: lane.laneState,
      why: lane.why,
      next_revision: lane.nextRevision,
      waiting: lane.waiting,
      head: lane.head && {
        event_id: lane.head.eventId,
        revision: lane.head.revision,
        status: lane.head.status,
        error: toFailure(lane.head.error),
        next_attempt_at: lane.head.nextAttemptAt,
      },
    })),
  };
}

export function toDeadLetterReply(letter: DeadLetterView): DeadLetterReply {
  return {
    id: letter.id,
    delivery_id: letter.deliveryId,
    handler: letter.handler,
    tenant: letter.tenant,
    entity: { ...letter.entity },
    event_type: letter.eventType,
    source: letter.source,
    revision: letter.revision,
    schema_version: letter.schemaVersion,
    stored_schema_version: letter.storedSchemaVersion,
    data: letter.data,
    data_error: letter.dataError,
    amended_at: letter.amendedAt,
    part: letter.part,
    ...toToday(letter),
    status: letter.status,
    cause: letter.cause,
    error: { type: letter.error.type, message: letter.error.message },
    attempts: letter.attempts,
    retry_count: letter.retryCount,
    waiting: letter.waiting,
    replay_id: letter.replayId,
    created_at: letter.createdAt,
    first_failed_at: letter.firstFailedAt,
    dead_lettered_at: letter.deadLetteredAt,
  };
}

export function toDeadLetterDetailReply(letter: DeadLetterDetail): DeadLetterDetailReply {
  return {
    ...toDeadLetterReply(letter),
    stored: letter.stored && toStored(letter.stored),
    steps: letter.steps.map(toStep),
    amendment: letter.amendment && {
      ...toAmendmentAct(letter.amendment),
      data: letter.amendment.data,
      changes: letter.amendment.changes.map((change) => ({ ...change })),
      changes_total: letter.amendment.changesTotal,
    },
    amendments: letter.amendments.map(toAmendmentAct),
    waiting_events: letter.waitingEvents.map(({ id, type, revision, recordedAt }) => ({ id, type, revision, recorded_at: recordedAt })),
    history: letter.history.map(toAttempt),
  };
}

export function toDeadLetterStatsReply(stats: DeadLetterStats): DeadLetterStatsReply {
  return {
    total: stats.total,
    waiting: stats.waiting,
    oldest_at: stats.oldestAt,
    by_event_type: stats.byEventType.map(({ eventType, count }) => ({ event_type: eventType, count })),
    by_handler: stats.byHandler.map(({ handler, count }) => ({ handler, count })),
    by_source: stats.bySource.map(({ source, count }) => ({ source, count })),
    top_errors: stats.topErrors.map(({ error, count }) => ({ error, count })),
  };
}

export function toReplayedReply(result: Replayed): ReplayedReply {
  return {
    status: result.status,
    replay_id: result.replayId,
    delivery_id: result.deliveryId,
    original_event_id: result.originalEventId,
    error: toFailure(result.error),
    position: String(result.position),
  };
}

export function toReplayBatchReply(result: ReplayedBatch): ReplayBatchReply {
  return {
    replay_id: result.replayId,
    total: result.total,
    succeeded: result.succeeded,
    failed: result.failed,
    skipped: result.skipped,
    skips: result.skips.map(({ reason, count }) => ({ reason, count })),
    remaining: result.remaining,
    position: String(result.position),
  };
}

export function toReplayReply(replay: ReplayState): ReplayReply {
  const { canary, stopWhen } = replay;
  return {
    replay_id: replay.replayId,
    plan_id: replay.planId,
    kind: replay.kind,
    mode: replay.mode,
    status: replay.status,
    reason: replay.reason,
    actor: replay.actor,
    target_handler: replay.targetHandler,
    total: replay.total,
    succeeded: replay.succeeded,
    failed: replay.failed,
    skipped: replay.skipped,
    remaining: replay.remaining,
    created_at: replay.createdAt,
    started_at: replay.startedAt,
    ended_at: replay.endedAt,
    rate_per_second: replay.ratePerSecond,
    effects: replay.effects,
    canary: canary && { entities: canary.entities, hold_seconds: canary.holdSeconds },
    stop_when: stopWhen && { failure_ratio: stopWhen.failureRatio, failures_in_a_row: stopWhen.failuresInARow },
    skips: replay.skips.map(({ reason, count }) => ({ reason, count })),
    why: replay.why,
    new_since: replay.newSince,
    cutoff_position: replay.cutoff === null ? null : String(replay.cutoff),
    followers: replay.followers,
    seconds_left: replay.secondsLeft,
  };
}

export function toPlanReply(plan: Plan): PlanReply {
  return {
    plan_id: plan.planId,
    actor: plan.actor,
    cutoff_position: plan.cutoff,
    created_at: plan.madeAt,
    expires_at: plan.expiresAt,
    used: plan.used && { replay_id: plan.used.replayId, actor: plan.used.actor },
    target_handler: plan.targetHandler,
    deliveries: plan.deliveries,
    dead_letters: plan.deadLetters,
    releases: plan.releases,
    entities: plan.entities,
    by_handler: plan.byHandler.map(({ handler, deliveries, entities }) => ({ handler, deliveries, entities })),
    by_error: plan.byError.map(({ error, count }) => ({ error, count })),
    ineligible: plan.ineligible.map(({ reason, count }) => ({ reason, count })),
    invalid: plan.invalid.map(({ eventId, step, error }) => ({ event_id: eventId, step, error: { ...error } })),
    invalid_total: plan.invalidTotal,
    rate_per_second: plan.ratePerSecond,
    estimated_seconds: plan.estimatedSeconds,
    samples: plan.samples.map(({ eventId, stored, current, parts, dropped, steps }) => ({
      event_id: eventId,
      stored: toStored(stored),
      current: current && toStored(current),
      parts: parts?.map(toStored) ?? null,
      dropped,
      steps: steps.map(toStep),
    })),
  };
}

export function toReplayActReply({ replayId, status, position }: ReplayActed): ReplayActReply {
  return { replay_id: replayId, status, position: String(position) };
}

export function toReplayReportReply({ items, nextCursor }: Awaited<ReturnType<Store["replayReport"]>>): ReplayReportReply {
  return {
    items: items.map((item) => ({
      event_id: item.eventId,
      handler: item.handler,
      entity: { ...item.entity },
      revision: item.revision,
      position: String(item.position),
      outcome: item.outcome,
      attempts: item.attempts,
      error: toFailure(item.error),
      effects: [...item.effects],
      differences:
        item.differences === null
          ? null
          : item.differences.map(({ path, before, after }) => ({
              path,
              ...(before === undefined ? {} : { before }),
              ...(after === undefined ? {} : { after }),
            })),
    })),
    next_cursor: nextCursor,
  };
}

export function toDiscardBatchReply({ total, discarded, skipped, remaining, position }: DiscardBatchResult): DiscardBatchReply {
  return { total, discarded, skipped, remaining, position: String(position) };
}

export function toHandlersReply(handlers: readonly HandlerView[]): HandlersReply {
  return {
    handlers: handlers.map((handler) => ({
      name: handler.name,
      ordering: handler.ordering,
      state: handler.state,
      why: handler.why,
      fault: handler.fault,
      wanted: handler.wanted,
      done: handler.done,
      waiting: handler.waiting,
      lag_events: handler.lagEvents,
      lag_seconds: handler.lagSeconds,
      by_status: { ...handler.byStatus },
      lanes: { ...handler.lanes },
    })),
  };
}

function toDelivery(delivery: DeliveryView): EventReply["deliveries"][number] {
  return {
    delivery_id: delivery.deliveryId,
    handler: delivery.handler,
    status: delivery.status,
    attempts: delivery.attempts,
    retry_count: delivery.retryCount,
    error: toFailure(delivery.error),
    next_attempt_at: delivery.nextAttemptAt,
    processed_at: delivery.processedAt,
    replay_id: delivery.replayId,
    history: delivery.history.map(toAttempt),
    amendments: delivery.amendments.map(toAmendmentAct),
    effects: delivery.effects.map(({ key, part, at, replayId }) => ({ key, part, at, replay_id: replayId })),
  };
}

function toAmendmentAct({ at, actor, reason, migration, replayId }: AmendmentAct): DeadLetterDetailReply["amendments"][number] {
  return { at, actor, reason, migration, replay_id: replayId };
}

function toAttempt(record: AttemptRecord): AttemptReply {
  const { error } = record;
  return {
    attempt: record.attempt,
    replay_id: record.replayId ?? null,
    actor: record.actor ?? null,
    started_at: record.startedAt,
    duration_ms: record.durationMs,
    outcome: record.outcome,
    class: record.class,
    error: error && { type: error.type, message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) },
    ...(record.httpStatus === undefined ? {} : { http_status: record.httpStatus }),
    ...(record.responseHead === undefined ? {} : { response_head: record.responseHead }),
    log: [...(record.log ?? [])],
  };
}

/** Only type and message: a stack belongs to an attempt's record. */
function toFailure(error: { readonly type: string; readonly message: string } | null): { type: string; message: string } | null {
  return error && { type: error.type, message: error.message };
}

function toStep({ from, to, type, data, error, dropped, split, leftOut = false }: LiftStep): DeadLetterDetailReply["steps"][number] {
  return { from, to, type, data, error: toFailure(error), dropped: dropped ?? null, split: split?.map(toStored) ?? null, left_out: leftOut };
}

function toToday({ parts, dropped }: Pick<EventView, "parts" | "dropped">): Pick<EventReply, "parts" | "dropped"> {
  return { parts: parts?.map(({ id, type, schemaVersion, data }) => ({ id, type, schema_version: schemaVersion, data })) ?? null, dropped };
}

function toStored(stored: { readonly type: string; readonly schemaVersion: number; readonly data: unknown }): {
  type: string;
  schema_version: number;
  data: unknown;
} {
  return { type: stored.type, schema_version: stored.schemaVersion, data: stored.data };
}
