/** What Reprise answers with, member by member as docs/http.md says. The shapes are strict, so that a test notices an extra member. */
import { z } from "zod";
import { priorities } from "../../event/event.ts";
import { attemptClasses, deadLetterCauses } from "../../records/attempt.ts";
import { deliveryStatuses, handlerStates, replayStatuses, shownLaneStates } from "../../views/model.ts";

const count = z.int().min(0);
const position = z.string().regex(/^\d+$/);
const time = z.iso.datetime();
const failure = z.strictObject({ type: z.string(), message: z.string() });
const entity = z.strictObject({ type: z.string(), id: z.string() });
const data = z.unknown();
const stored = z.strictObject({ type: z.string(), schema_version: count, data });
const step = z.strictObject({
  from: count,
  to: count,
  type: z.string(),
  data,
  error: failure.nullable(),
  dropped: z.string().nullable(),
  split: z.array(stored).nullable(),
  left_out: z.boolean(),
});

export const appendReply = z.strictObject({
  events: z.array(z.strictObject({ id: z.string(), entity, revision: count, position, recorded_at: time, duplicate: z.boolean() })),
});

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

const amendmentAct = z.strictObject({
  at: time,
  actor: z.string(),
  reason: z.string().nullable(),
  migration: z.string().nullable(),
  replay_id: z.string().nullable(),
});

const deliveryReply = z.strictObject({
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
  effects: z.array(z.strictObject({ key: z.string(), part: count.nullable(), at: time, replay_id: z.string().nullable() })),
});

/** What a stored event is today when it is not one event: split into these, or dropped, with the reason. */
const today = {
  parts: z.array(z.strictObject({ id: z.string(), type: z.string(), schema_version: count, data })).nullable(),
  dropped: z.string().nullable(),
};

export const eventReply = z.strictObject({
  id: z.string(),
  type: z.string(),
  entity,
  tenant: z.string(),
  revision: count,
  position,
  source: z.string().nullable(),
  occurred_at: z.iso.datetime({ offset: true }).nullable(),
  recorded_at: time,
  priority: z.enum(priorities),
  correlation_id: z.string().nullable(),
  causation_id: z.string().nullable(),
  traceparent: z.string().nullable(),
  call_chain: z.array(z.string()).nullable(),
  context_refs: z.array(z.strictObject({ kind: z.string(), ref: z.string() })).nullable(),
  extensions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullable(),
  schema_version: count,
  data,
  data_error: z.string().nullable(),
  ...today,
  stored,
  deliveries: z.array(deliveryReply),
});
export const eventsReply = z.strictObject({ events: z.array(eventReply), next_cursor: z.string().nullable() });
export const entityEventsReply = z.strictObject({ events: z.array(eventReply), next_from: count.nullable() });

export const entityReply = z.strictObject({
  entity,
  tenant: z.string(),
  revision: count,
  last_event_at: time,
  handlers: z.array(
    z.strictObject({
      handler: z.string(),
      lane_state: z.enum(shownLaneStates),
      why: z.string().nullable(),
      next_revision: count,
      waiting: count,
      head: z
        .strictObject({
          event_id: z.string(),
          revision: count,
          status: z.enum(deliveryStatuses),
          error: failure.nullable(),
          next_attempt_at: time.nullable(),
        })
        .nullable(),
    }),
  ),
});
export const entitiesReply = z.strictObject({ entities: z.array(entityReply), next_cursor: z.string().nullable() });

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
  steps: z.array(step),
  waiting_events: z.array(z.strictObject({ id: z.string(), type: z.string(), revision: count, recorded_at: time })),
  history: z.array(attemptReply),
});
/** Of a discard and of an amendment. */
export const letterActReply = deadLetterDetailReply.extend({ position });
export const deadLetterStatsReply = z.strictObject({
  total: count,
  waiting: count,
  oldest_at: time.nullable(),
  by_event_type: z.array(z.strictObject({ event_type: z.string(), count })),
  by_handler: z.array(z.strictObject({ handler: z.string(), count })),
  by_source: z.array(z.strictObject({ source: z.string().nullable(), count })),
  top_errors: z.array(z.strictObject({ error: z.string(), count })),
});

export const replayedReply = z.strictObject({
  status: z.enum(["replayed", "dead_lettered", "processing"]),
  replay_id: z.string(),
  delivery_id: z.string(),
  original_event_id: z.string(),
  error: failure.nullable(),
  position,
});
const skips = z.array(z.strictObject({ reason: z.string(), count }));
export const replayBatchReply = z.strictObject({
  ...{ replay_id: z.string(), total: count, succeeded: count, failed: count, skipped: count, skips, remaining: count, position },
});
export const replayReply = z.strictObject({
  replay_id: z.string(),
  plan_id: z.string().nullable(),
  kind: z.enum(["single", "batch", "dead_letters", "history"]),
  mode: z.enum(["run", "dry_run"]),
  status: z.enum(replayStatuses),
  reason: z.string().nullable(),
  actor: z.string(),
  target_handler: z.string().nullable(),
  total: count,
  succeeded: count,
  failed: count,
  skipped: count,
  remaining: count,
  created_at: time,
  started_at: time,
  ended_at: time.nullable(),
  rate_per_second: z.number().nullable(),
  effects: z.enum(["once", "again"]),
  canary: z.strictObject({ entities: count, hold_seconds: z.number() }).nullable(),
  stop_when: z.strictObject({ failure_ratio: z.number().nullable(), failures_in_a_row: count.nullable() }).nullable(),
  skips,
  why: z.string().nullable(),
  new_since: count.nullable(),
  cutoff_position: position.nullable(),
  followers: count,
  seconds_left: z.number().nullable(),
});
export const replaysReply = z.strictObject({ replays: z.array(replayReply), next_cursor: z.string().nullable() });
export const planReply = z.strictObject({
  plan_id: z.string(),
  actor: z.string(),
  cutoff_position: position,
  created_at: time,
  expires_at: time,
  used: z.strictObject({ replay_id: z.string(), actor: z.string() }).nullable(),
  target_handler: z.string().nullable(),
  deliveries: count,
  dead_letters: count,
  releases: count,
  entities: count,
  by_handler: z.array(z.strictObject({ handler: z.string(), deliveries: count, entities: count })),
  by_error: z.array(z.strictObject({ error: z.string(), count })),
  ineligible: z.array(z.strictObject({ reason: z.string(), count })),
  invalid: z.array(z.strictObject({ event_id: z.string(), step: z.string(), error: failure })),
  invalid_total: count,
  rate_per_second: z.number().nullable(),
  estimated_seconds: z.number().nullable(),
  samples: z.array(
    z.strictObject({
      event_id: z.string(),
      stored,
      current: stored.nullable(),
      parts: z.array(stored).nullable(),
      dropped: z.string().nullable(),
      steps: z.array(step),
    }),
  ),
});
export const replayActReply = z.strictObject({ replay_id: z.string(), status: z.enum(replayStatuses), position });
export const replayStartedReply = replayActReply.extend({ plan_id: z.string(), total: count });
export const replayReportReply = z.strictObject({
  items: z.array(
    z.strictObject({
      event_id: z.string(),
      handler: z.string(),
      entity,
      revision: count,
      position,
      outcome: z.enum(["succeeded", "failed"]).nullable(),
      attempts: count.nullable(),
      error: failure.nullable(),
      effects: z.array(z.string()),
      differences: z.array(z.strictObject({ path: z.string(), before: data.optional(), after: data.optional() })).nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});
export const discardBatchReply = z.strictObject({ total: count, discarded: count, skipped: count, remaining: count, position });

export const handlersReply = z.strictObject({
  handlers: z.array(
    z.strictObject({
      name: z.string(),
      ordering: z.enum(["strict", "relaxed"]),
      state: z.enum(handlerStates),
      why: z.string().nullable(),
      fault: z.string().nullable(),
      wanted: count,
      done: count,
      waiting: count,
      lag_events: count,
      lag_seconds: z.number(),
      by_status: z.record(z.enum(deliveryStatuses), count),
      lanes: z.record(z.enum(shownLaneStates), count),
    }),
  ),
});
export const schemasReply = z.strictObject({
  schemas: z.array(z.strictObject({ type: z.string(), versions: z.array(count), current: count, formerly: z.array(z.string()) })),
});
export const handlerActReply = z.strictObject({ name: z.string(), state: z.enum(["running", "paused"]), position });
export const retiredReply = z.strictObject({ name: z.string(), state: z.literal("retired"), discarded: count, position });
export const givenUpReply = z.strictObject({
  status: z.literal("dead_lettered"),
  cause: z.literal("given_up"),
  delivery_id: z.string(),
  original_event_id: z.string(),
  handler: z.string(),
  position,
});
/** `skipped`: events of the journal that are not its own, and are passed over from now on. */
export const handlerRepairReply = z.strictObject({ name: z.string(), state: z.literal("running"), skipped: z.int(), position });
/** `handlers`: those whose lane the act was done on. */
export const laneActReply = z.strictObject({ entity, handlers: z.array(z.string()), position });
export const rebuildReply = z.strictObject({ status: z.literal("rebuilding"), position });
export const healthReply = z.strictObject({ status: z.literal("ok") });
export const readyReply = z.strictObject({ status: z.enum(["ready", "not_ready"]), waits_for: z.string().nullable(), warnings: z.array(z.string()) });

export type AppendReply = z.input<typeof appendReply>;
export type AttemptReply = z.input<typeof attemptReply>;
export type EventReply = z.input<typeof eventReply>;
export type EventsReply = z.input<typeof eventsReply>;
export type EntityEventsReply = z.input<typeof entityEventsReply>;
export type EntityReply = z.input<typeof entityReply>;
export type EntitiesReply = z.input<typeof entitiesReply>;
export type DeadLetterReply = z.input<typeof deadLetterReply>;
export type DeadLettersReply = z.input<typeof deadLettersReply>;
export type DeadLetterDetailReply = z.input<typeof deadLetterDetailReply>;
export type LetterActReply = z.input<typeof letterActReply>;
export type DeadLetterStatsReply = z.input<typeof deadLetterStatsReply>;
export type ReplayedReply = z.input<typeof replayedReply>;
export type ReplayBatchReply = z.input<typeof replayBatchReply>;
export type ReplayReply = z.input<typeof replayReply>;
export type ReplaysReply = z.input<typeof replaysReply>;
export type PlanReply = z.input<typeof planReply>;
export type ReplayActReply = z.input<typeof replayActReply>;
export type ReplayStartedReply = z.input<typeof replayStartedReply>;
export type ReplayReportReply = z.input<typeof replayReportReply>;
export type DiscardBatchReply = z.input<typeof discardBatchReply>;
export type HandlersReply = z.input<typeof handlersReply>;
export type SchemasReply = z.input<typeof schemasReply>;
export type RetiredReply = z.input<typeof retiredReply>;
export type GivenUpReply = z.input<typeof givenUpReply>;
export type HandlerActReply = z.input<typeof handlerActReply>;
export type HandlerRepairReply = z.input<typeof handlerRepairReply>;
export type LaneActReply = z.input<typeof laneActReply>;
export type RebuildReply = z.input<typeof rebuildReply>;
export type HealthReply = z.input<typeof healthReply>;
export type ReadyReply = z.input<typeof readyReply>;
