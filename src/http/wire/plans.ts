/** Plans: what a selection freezes. */

import { z } from "zod";
import { type Selection, toSelection as selectionOf } from "../../replay/selection.ts";
import type { Plan } from "../../replay/show-plan.ts";
import { entity, eventType, uuid } from "../../store/append/members.ts";
import { deadLetterFilter, toDeadLetterFilter } from "./dead-letters.ts";
import { defined } from "./defined.ts";
import { step, stored, toStep, toStored } from "./lifted.ts";
import { list, positionInBody, rate, term, text, timeMs } from "./members.ts";
import { count, failure, position, time } from "./reply-members.ts";

const selectedLetters = z.strictObject(deadLetterFilter);

const someOf = <T extends z.ZodType<object>>(schema: T) =>
  schema.refine((value) => Object.values(value).some((member) => member !== undefined), "selects nothing: it is never everything");

const idsMessage = "must have 1 to 10000 event or delivery ids";

/** What a plan freezes: one of the three. */
const selection = z.union(
  [
    z.strictObject({ dead_letters: z.union([someOf(selectedLetters), z.strictObject({ filter: someOf(selectedLetters) })], "must have at least one filter") }),
    z.strictObject({ ids: list(uuid, { min: 1, max: 10_000, message: idsMessage }) }),
    z.strictObject({
      history: z.strictObject({
        handler: text(),
        entity: entity.optional(),
        event_types: list(eventType, {
          ...{ min: 1, max: 100, message: "must be a list of event types", wrongLength: "must have 1 to 100 event types" },
        }).optional(),
        since: timeMs.optional(),
        until: timeMs.optional(),
        from_position: positionInBody.optional(),
        to_position: positionInBody.optional(),
        from_archive: z.boolean("must be true or false").optional(),
      }),
    }),
  ],
  'must be { "dead_letters": { … at least one filter … } }, { "ids": [ … ] } or { "history": { "handler": … } }',
);

export const planRequest = z.strictObject({ selection, target_handler: term, rate_per_second: rate.optional() });

export function toSelection({ selection }: z.output<typeof planRequest>): Selection {
  if ("ids" in selection) return selectionOf({ ids: selection.ids });
  if ("dead_letters" in selection) {
    const { dead_letters: asked } = selection;
    return selectionOf({ deadLetters: toDeadLetterFilter("filter" in asked ? asked.filter : asked) });
  }
  const {
    handler,
    entity,
    event_types: types,
    since,
    until,
    from_position: fromPosition,
    to_position: toPosition,
    from_archive: fromArchive,
  } = selection.history;
  const filter = { types, entityType: entity?.type, entityId: entity?.id, sinceMs: since, untilMs: until, fromPosition, toPosition, fromArchive };
  return selectionOf({ history: { handler, ...defined(filter) } });
}

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

export type PlanReply = z.input<typeof planReply>;

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
