/** What is answered of dead letters. */

import { z } from "zod";
import { deadLetterCauses } from "../../records/attempt.ts";
import type { DiscardBatchResult } from "../../store/dead-letter-acts.ts";
import type { ReplayBatchResult, ReplayResult } from "../../store/replay-answers.ts";
import type { DeadLetterDetail, DeadLetterStats, DeadLetterView } from "../../views/model/dead-letter.ts";
import { amendmentAct, attemptReply, deliveryActReply, toAmendmentAct, toAttempt, toDeliveryAct } from "./deliveries.ts";
import { step, stored, today, toStep, toStored, toToday } from "./lifted.ts";
import { count, data, entity, failure, position, skips, time, toFailure } from "./reply-members.ts";

export const deadLetterReply = z.strictObject({
  id: z.string(),
  delivery_id: z.string(),
  handler: z.string(),
  tenant: z.string(),
  entity,
  event_type: z.string(),
  source: z.string().nullable(),
  revision: count,
  schema_version: count,
  stored_schema_version: count,
  data,
  data_error: z.string().nullable(),
  amended_at: time.nullable(),
  part: count.nullable(),
  ...today,
  status: z.enum(["dead_lettered", "escalated"]),
  cause: z.enum(deadLetterCauses),
  error: failure,
  fingerprint: z.string(),
  attempts: count,
  retry_count: count,
  waiting: count,
  replay_id: z.string().nullable(),
  created_at: time,
  first_failed_at: time,
  dead_lettered_at: time,
});

export const deadLettersReply = z.strictObject({
  events: z.array(deadLetterReply),
  total: count,
  limit: count,
  offset: count,
  next_cursor: z.string().nullable(),
});

export const deadLetterDetailReply = deadLetterReply.extend({
  stored: stored.nullable(),
  amendment: amendmentAct
    .extend({
      data,
      changes: z.array(z.strictObject({ op: z.enum(["add", "remove", "replace"]), pointer: z.string(), before: data.optional(), after: data.optional() })),
      changes_total: count,
    })
    .nullable(),
  amendments: z.array(amendmentAct),
  acts: z.array(deliveryActReply),
  steps: z.array(step),
  waiting_events: z.array(z.strictObject({ id: z.string(), type: z.string(), revision: count, recorded_at: time })),
  history: z.array(attemptReply),
});

/** Of a discard and of an amendment. */
export const letterActReply = deadLetterDetailReply.extend({ position });

/** What the ten most frequent, or the thousand, do not show. */
const leftOut = z.strictObject({ kinds: count, count });

export const deadLetterStatsReply = z.strictObject({
  total: count,
  waiting: count,
  oldest_at: time.nullable(),
  by_event_type: z.array(z.strictObject({ event_type: z.string(), count })),
  by_handler: z.array(z.strictObject({ handler: z.string(), count })),
  by_source: z.array(z.strictObject({ source: z.string().nullable(), count })),
  top_errors: z.array(z.strictObject({ error: z.string(), count })),
  left_out: z.strictObject({ top_errors: leftOut, by_source: leftOut }),
});

export const replayedReply = z.strictObject({
  status: z.enum(["replayed", "dead_lettered", "processing"]),
  replay_id: z.string(),
  delivery_id: z.string(),
  original_event_id: z.string(),
  error: failure.nullable(),
  position,
});

export const replayBatchReply = z.strictObject({
  ...{ replay_id: z.string(), total: count, succeeded: count, failed: count, skipped: count, skips, remaining: count, position },
});

export const discardBatchReply = z.strictObject({ total: count, discarded: count, skipped: count, remaining: count, position });

export type DeadLetterReply = z.input<typeof deadLetterReply>;
export type DeadLettersReply = z.input<typeof deadLettersReply>;
export type DeadLetterDetailReply = z.input<typeof deadLetterDetailReply>;
export type LetterActReply = z.input<typeof letterActReply>;
export type DeadLetterStatsReply = z.input<typeof deadLetterStatsReply>;
export type ReplayedReply = z.input<typeof replayedReply>;
export type ReplayBatchReply = z.input<typeof replayBatchReply>;
export type DiscardBatchReply = z.input<typeof discardBatchReply>;

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
    fingerprint: letter.fingerprint,
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
    acts: letter.acts.map(toDeliveryAct),
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
    left_out: { top_errors: { ...stats.leftOut.errors }, by_source: { ...stats.leftOut.sources } },
  };
}

export function toReplayedReply(result: ReplayResult): ReplayedReply {
  return {
    status: result.status,
    replay_id: result.replayId,
    delivery_id: result.deliveryId,
    original_event_id: result.originalEventId,
    error: toFailure(result.error),
    position: String(result.position),
  };
}

export function toReplayBatchReply(result: ReplayBatchResult): ReplayBatchReply {
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

export function toDiscardBatchReply({ total, discarded, skipped, remaining, position }: DiscardBatchResult): DiscardBatchReply {
  return { total, discarded, skipped, remaining, position: String(position) };
}
