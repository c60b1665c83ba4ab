/** Error groups: what they are asked for, what is answered of them, and what is done with them. */
import { z } from "zod";
import { isBuild } from "../../event/build.ts";
import { attemptClasses } from "../../records/attempt.ts";
import { errorGroupStates } from "../../records/error-groups.ts";
import { time as givenTime } from "../../store/append/members.ts";
import type { ErrorGroupActed } from "../../store/error-groups.ts";
import type { ErrorGroupDetail, ErrorGroupFilter, ErrorGroupView } from "../../views/model/error-group.ts";
import { deadLetterReply, toDeadLetterReply } from "./dead-letters-replies.ts";
import { defined } from "./defined.ts";
import { actRequest, afterQuery, cursor, limit, term, text, timeMs } from "./members.ts";
import { count, position, time } from "./reply-members.ts";

export const errorGroupsQuery = afterQuery.extend({
  state: z.enum(errorGroupStates, `must be one of ${errorGroupStates.join(", ")}`).optional(),
  handler: term,
  event_type: term,
  error_like: text(2048).optional(),
  since: timeMs.optional(),
  until: timeMs.optional(),
  limit: limit(100, 1000),
  cursor,
});

export const errorGroupQuery = afterQuery.extend({ handler: term });

export const resolveRequest = actRequest.extend({
  build: z.string("must be text").refine(isBuild, "must be a text of 1 to 64 characters without blanks").optional(),
});

export const ignoreRequest = actRequest.extend({ until: givenTime.optional() });

const errorGroupReply = z.strictObject({
  fingerprint: z.string(),
  tenant: z.string(),
  handler: z.string(),
  class: z.enum(attemptClasses).nullable(),
  type: z.string(),
  message: z.string(),
  example: z.string(),
  count,
  waiting: count,
  entities: count,
  event_types: z.array(z.string()),
  schema_versions: z.array(count),
  builds: z.array(z.string()),
  left_out: z.strictObject({ event_types: count, schema_versions: count, builds: count }),
  first_seen: time,
  last_seen: time,
  state: z.enum(errorGroupStates),
  state_by: z.string().nullable(),
  state_reason: z.string().nullable(),
  state_at: time.nullable(),
  ignored_until: time.nullable(),
  fixed_in: z.string().nullable(),
});

export const errorGroupsReply = z.strictObject({ groups: z.array(errorGroupReply), next_cursor: z.string().nullable() });

export const errorGroupDetailReply = errorGroupReply.extend({
  histogram: z.array(z.strictObject({ at: time, count })),
  before: count,
  letters: z.array(deadLetterReply),
});

export const errorGroupActReply = z.strictObject({ fingerprint: z.string(), handler: z.string(), state: z.enum(errorGroupStates), position });

export type ErrorGroupReply = z.input<typeof errorGroupReply>;
export type ErrorGroupsReply = z.input<typeof errorGroupsReply>;
export type ErrorGroupDetailReply = z.input<typeof errorGroupDetailReply>;
export type ErrorGroupActReply = z.input<typeof errorGroupActReply>;

export function toErrorGroupFilter(wire: Omit<z.output<typeof errorGroupsQuery>, "after" | "limit" | "cursor">): Omit<ErrorGroupFilter, "tenant"> {
  return defined({
    state: wire.state,
    handler: wire.handler,
    eventType: wire.event_type,
    errorLike: wire.error_like,
    sinceMs: wire.since,
    untilMs: wire.until,
  });
}

export function toErrorGroupReply(group: ErrorGroupView): ErrorGroupReply {
  return {
    fingerprint: group.fingerprint,
    tenant: group.tenant,
    handler: group.handler,
    class: group.class,
    type: group.type,
    message: group.message,
    example: group.example,
    count: group.count,
    waiting: group.waiting,
    entities: group.entities,
    event_types: [...group.eventTypes],
    schema_versions: [...group.schemaVersions],
    builds: [...group.builds],
    left_out: { event_types: group.leftOut.eventTypes, schema_versions: group.leftOut.schemaVersions, builds: group.leftOut.builds },
    first_seen: group.firstSeen,
    last_seen: group.lastSeen,
    state: group.state,
    state_by: group.stateBy,
    state_reason: group.stateReason,
    state_at: group.stateAt,
    ignored_until: group.ignoredUntil,
    fixed_in: group.fixedIn,
  };
}

export function toErrorGroupDetailReply(group: ErrorGroupDetail): ErrorGroupDetailReply {
  return {
    ...toErrorGroupReply(group),
    histogram: group.histogram.map(({ at, count }) => ({ at, count })),
    before: group.before,
    letters: group.letters.map(toDeadLetterReply),
  };
}

export function toErrorGroupActReply({ fingerprint, handler, state, position }: ErrorGroupActed): ErrorGroupActReply {
  return { fingerprint, handler, state, position: String(position) };
}
