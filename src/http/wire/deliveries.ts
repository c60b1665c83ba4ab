/** Deliveries and their attempts. */

import { z } from "zod";
import { type AttemptRecord, attemptClasses } from "../../records/attempt.ts";
import type { AmendmentAct } from "../../views/model/amendment.ts";
import { type DeliveryView, deliveryStatuses } from "../../views/model/delivery.ts";
import { type DeliveryAct, deliveryActs } from "../../views/model/delivery-act.ts";
import { count, failure, position, time, toFailure } from "./reply-members.ts";

export const attemptReply = z.strictObject({
  attempt: count,
  replay_id: z.string().nullable(),
  actor: z.string().nullable(),
  started_at: time,
  duration_ms: z.number(),
  outcome: z.enum(["completed", "failed"]),
  class: z.enum(attemptClasses).nullable(),
  error: failure.extend({ stack: z.string().optional() }).nullable(),
  http_status: z.int().optional(),
  response_head: z.string().optional(),
  log: z.array(z.string()),
});

export const amendmentAct = z.strictObject({
  at: time,
  actor: z.string(),
  reason: z.string().nullable(),
  migration: z.string().nullable(),
  replay_id: z.string().nullable(),
});

export const deliveryActReply = z.strictObject({
  at: time,
  what: z.enum(deliveryActs),
  actor: z.string(),
  reason: z.string().nullable(),
  before: z.enum(deliveryStatuses).nullable(),
  after: z.enum(deliveryStatuses),
  resolution: z.enum(["not_needed", "done_by_hand"]).nullable(),
  replay_id: z.string().nullable(),
});

export const deliveryReply = z.strictObject({
  delivery_id: z.string(),
  handler: z.string(),
  status: z.enum(deliveryStatuses),
  attempts: count,
  retry_count: count,
  error: failure.nullable(),
  next_attempt_at: time.nullable(),
  processed_at: time.nullable(),
  replay_id: z.string().nullable(),
  history: z.array(attemptReply),
  amendments: z.array(amendmentAct),
  acts: z.array(deliveryActReply),
  effects: z.array(z.strictObject({ key: z.string(), part: count.nullable(), at: time, replay_id: z.string().nullable() })),
});

export const givenUpReply = z.strictObject({
  status: z.literal("dead_lettered"),
  cause: z.literal("given_up"),
  delivery_id: z.string(),
  original_event_id: z.string(),
  handler: z.string(),
  position,
});

export type DeliveryActReply = z.input<typeof deliveryActReply>;
export type AttemptReply = z.input<typeof attemptReply>;
export type GivenUpReply = z.input<typeof givenUpReply>;

export function toDelivery(delivery: DeliveryView): z.input<typeof deliveryReply> {
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
    acts: delivery.acts.map(toDeliveryAct),
    effects: delivery.effects.map(({ key, part, at, replayId }) => ({ key, part, at, replay_id: replayId })),
  };
}

export function toAmendmentAct({ at, actor, reason, migration, replayId }: AmendmentAct): z.input<typeof amendmentAct> {
  return { at, actor, reason, migration, replay_id: replayId };
}

export function toDeliveryAct({ replayId, ...act }: DeliveryAct): z.input<typeof deliveryActReply> {
  return { ...act, replay_id: replayId };
}

export function toAttempt(record: AttemptRecord): AttemptReply {
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
