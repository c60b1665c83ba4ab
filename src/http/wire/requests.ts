/** What clients send: the shapes of bodies and queries. All are strict: an unknown member is refused. What comes out is in wire names, typed. */
import { z } from "zod";
import { type Json, priorities } from "../../event/event.ts";
import { isUuid } from "../../event/ids.ts";
import { entityIdPattern, entityTypePattern, eventTypePattern } from "../../event/names.ts";
import { deadLetterCauses } from "../../records/attempt.ts";
import { deliveryStatuses, shownLaneStates } from "../../views/model.ts";

const maxTextCharacters = 256;

/** Text that survives UTF-8: half of a surrogate pair would be stored as something else. */
export function text(maxCharacters = maxTextCharacters) {
  return z
    .string({ error: ({ input }) => (input === undefined ? "is missing" : "must be text") })
    .min(1, "must not be empty")
    .max(maxCharacters, `must have at most ${maxCharacters} characters`)
    .refine((value) => value.isWellFormed(), "holds half of a surrogate pair");
}

export const time = z.iso.datetime({ offset: true, error: "must be an RFC 3339 time such as 2026-01-31T12:00:00Z" });
const timeMs = time.transform((value) => Date.parse(value));

export const entity = z.strictObject({
  type: z.string("must be text").regex(entityTypePattern, "must be [a-z][a-z0-9_]{0,63}"),
  id: z
    .string("must be text")
    .regex(entityIdPattern, "must be 1 to 256 characters of A-Za-z0-9._:@~/#+=-, beginning with a letter, digit or _, and without two dots in a row"),
});
/** In any case: upper case is the same UUID (RFC 9562). */
export const uuid = z.string("must be a UUID").refine(isUuid, "must be a UUID").toLowerCase();
export const eventType = z.string("must be text").regex(eventTypePattern, "must be [A-Za-z][A-Za-z0-9_.-]{0,127}");
export const schemaVersion = z.int("must be a whole number from 1").min(1, "must be a whole number from 1").max(1000, "must be at most 1000");
export const priority = z.enum(priorities, `must be one of ${priorities.join(", ")}`);
/** Its length is judged before its items: a body of 4 MiB has room for two million, and each would be told of. */
function list<S extends z.ZodType>(item: S, { min, max, message, wrongLength = message }: { min: number; max: number; message: string; wrongLength?: string }) {
  return z.array(z.unknown(), message).min(min, wrongLength).max(max, wrongLength).pipe(z.array(item, message));
}
export const callChain = list(text(), { min: 1, max: 32, message: "must be a list of agent ids", wrongLength: "must have 1 to 32 agent ids" });
export const contextRefs = list(z.strictObject({ kind: text(64), ref: text(2048) }), {
  ...{ min: 0, max: 32, message: "must be a list of {kind, ref}", wrongLength: "must have at most 32 references" },
});
/** Any JSON, kept as sent; `null` is a value, a missing member is not. */
export const data = z.custom<Json>((value) => value !== undefined, "is missing");

export const eventRequest = z.strictObject({
  id: uuid.optional(),
  type: eventType,
  schema_version: schemaVersion.optional(),
  entity,
  data,
  source: text().optional(),
  occurred_at: time.optional(),
  priority: priority.optional(),
  correlation_id: text().optional(),
  causation_id: text().optional(),
  traceparent: text().optional(),
  call_chain: callChain.optional(),
  context_refs: contextRefs.optional(),
});

const revisionMessage = 'must be "any", "none" or a revision from 0';
const expectedRevision = z.union([z.literal("any"), z.literal("none"), z.int().min(0)], revisionMessage);

/** Its events are `eventRequest`s, checked one by one. */
export const appendBatch = z.strictObject({
  expected_revision: expectedRevision.optional(),
  events: list(z.unknown(), { min: 1, max: 1000, message: "must be a list of events", wrongLength: "must have 1 to 1000 events" }),
});

const wholeNumber = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string(message)
    .regex(/^\d{1,16}$/, message)
    .transform(Number)
    .pipe(z.int(message).min(min, message).max(max, message));
};
const limit = (standard: number, max: number) => wholeNumber(1, max).default(standard);

const maxPosition = 2n ** 63n - 1n;
/** Opaque outside; inside a bigint. */
const position = z
  .string("must be given once")
  .regex(/^\d{1,19}$/, "must be a position that Reprise answered with")
  .transform(BigInt)
  .refine((value) => value <= maxPosition, "must be a position that Reprise answered with");

/** Any GET takes it. */
export const afterQuery = z.strictObject({ after: position.optional() });

const revisionInQuery = z.union([z.enum(["any", "none"]), wholeNumber(0, Number.MAX_SAFE_INTEGER)], revisionMessage);
export const appendQuery = z.strictObject({ expected_revision: revisionInQuery.optional() });

const term = text().optional();
const cursor = text(2048).optional();

export const eventsQuery = afterQuery.extend({
  status: z.enum(deliveryStatuses, `must be one of ${deliveryStatuses.join(", ")}`).optional(),
  handler: term,
  event_type: term,
  source: term,
  entity_type: term,
  entity_id: term,
  correlation_id: term,
  since: timeMs.optional(),
  until: timeMs.optional(),
  limit: limit(100, 1000),
  cursor,
});

export const entitiesQuery = afterQuery.extend({
  lane_state: z.enum(shownLaneStates, `must be one of ${shownLaneStates.join(", ")}`).optional(),
  handler: term,
  entity_type: term,
  limit: limit(100, 1000),
  cursor,
});

export const entityEventsQuery = afterQuery.extend({
  from: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
  limit: limit(100, 1000),
  direction: z.enum(["forward", "backward"], "must be forward or backward").default("forward"),
  as: z.enum(["current", "stored"], "must be current or stored").default("current"),
});

/** What selects dead letters, in a query or in a body: text in both. */
const deadLetterFilter = {
  event_type: term,
  source: term,
  handler: term,
  entity_type: term,
  entity_id: term,
  error: text(2048).optional(),
  cause: z.enum(deadLetterCauses, `must be one of ${deadLetterCauses.join(", ")}`).optional(),
  replay_id: term,
  since: timeMs.optional(),
  until: timeMs.optional(),
};

export const deadLettersQuery = afterQuery.extend({
  ...deadLetterFilter,
  limit: limit(50, 200),
  offset: wholeNumber(0, 10_000).default(0),
  cursor,
  data: z
    .enum(["true", "false"], "must be true or false")
    .default("true")
    .transform((value) => value === "true"),
});
export const deadLetterStatsQuery = afterQuery.extend(deadLetterFilter);
export const deadLetterQuery = afterQuery.extend({ handler: term });
export const handlerQuery = z.strictObject({ handler: term });
export const noQuery = z.strictObject({});

const reason = text(500);
/** Of acts that take nothing else. */
export const actRequest = z.strictObject({ reason: reason.optional() });
export const laneActRequest = actRequest.extend({ handler: term });
const migration = term;
export const replayRequest = actRequest.extend({ handler: term, target_handler: term, migration });
const mustSayWhy = reason.refine((value) => value.trim() !== "", "must say why");
export const amendRequest = z.strictObject({ data, reason: mustSayWhy, handler: term });
/** Of an act that is for good. */
export const finalActRequest = z.strictObject({ reason: mustSayWhy });
export const discardRequest = z.strictObject({
  reason: mustSayWhy,
  resolution: z.enum(["not_needed", "done_by_hand"], "must be not_needed or done_by_hand").optional(),
  handler: term,
});

const rate = z.number("must be a number above 0").positive("must be above 0").max(10_000, "must be at most 10000");
const maxEvents = "must be a whole number from 1 to 1000";
export const replayBatchRequest = actRequest.extend({
  ...deadLetterFilter,
  max_events: z.int(maxEvents).min(1, maxEvents).max(1000, maxEvents).optional(),
  rate_per_second: rate.optional(),
  migration,
});
export const replayBatchQuery = actRequest.extend({
  ...deadLetterFilter,
  max_events: wholeNumber(1, 1000).optional(),
  rate_per_second: z
    .string("must be a number above 0")
    .regex(/^\d{1,9}(?:\.\d{1,9})?$/, "must be a number above 0")
    .transform(Number)
    .pipe(rate)
    .optional(),
  migration,
});

const selectedLetters = z.strictObject(deadLetterFilter);
const someOf = <T extends z.ZodType<object>>(schema: T) =>
  schema.refine((value) => Object.values(value).some((member) => member !== undefined), "selects nothing: it is never everything");
const positionInBody = z
  .string("must be a position that Reprise answered with")
  .regex(/^\d{1,19}$/, "must be a position that Reprise answered with")
  .transform(BigInt)
  .refine((value) => value <= maxPosition, "must be a position that Reprise answered with");
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
      }),
    }),
  ],
  'must be { "dead_letters": { … at least one filter … } }, { "ids": [ … ] } or { "history": { "handler": … } }',
);
export const planRequest = z.strictObject({ selection, target_handler: term, rate_per_second: rate.optional() });

const entitiesMessage = "must be a whole number from 1 to 10000";
const inARowMessage = "must be a whole number from 1 to 100000";
const holdMessage = "must be a number of seconds from 0 to 86400";
export const startReplayRequest = z.strictObject({
  plan_id: uuid,
  reason: reason.refine((value) => value.trim() !== "", "must say why"),
  mode: z.enum(["run", "dry_run"], "must be run or dry_run"),
  /** Left out: the plan's. Null: no limit. */
  rate_per_second: rate.nullable().optional(),
  canary: z
    .strictObject({
      entities: z.int(entitiesMessage).min(1, entitiesMessage).max(10_000, entitiesMessage),
      hold_seconds: z.number(holdMessage).min(0, holdMessage).max(86_400, holdMessage),
    })
    .optional(),
  stop_when: z
    .strictObject({
      failure_ratio: z.number("must be a number above 0, at most 1").positive("must be above 0").max(1, "must be at most 1").optional(),
      failures_in_a_row: z.int(inARowMessage).min(1, inARowMessage).max(100_000, inARowMessage).optional(),
    })
    .refine((value) => value.failure_ratio !== undefined || value.failures_in_a_row !== undefined, "must have failure_ratio, failures_in_a_row or both")
    .optional(),
  effects: z.enum(["once", "again"], "must be once or again").optional(),
});
/** `null` takes the limit away. */
export const rateRequest = actRequest.extend({ rate_per_second: rate.nullable() });

export const replaysQuery = afterQuery.extend({ limit: limit(100, 1000), cursor });

export const discardBatchRequest = z.strictObject({
  ...deadLetterFilter,
  reason: reason.refine((value) => value.trim() !== "", "must say why").optional(),
  resolution: z.enum(["not_needed", "done_by_hand"], "must be not_needed or done_by_hand").optional(),
  max_events: z.int(maxEvents).min(1, maxEvents).max(1000, maxEvents).optional(),
});
export const discardBatchQuery = z.strictObject({ ...deadLetterFilter, reason: reason.optional(), max_events: wholeNumber(1, 1000).optional() });
