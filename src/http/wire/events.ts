/** Events: appended, listed, shown. */

import { z } from "zod";
import type { AppendedEvent } from "../../event/appended-event.ts";
import { priorities } from "../../event/event.ts";
import type { EventInput } from "../../store/append/event-input.ts";
import * as member from "../../store/append/members.ts";
import { deliveryStatuses } from "../../views/model/delivery.ts";
import type { EventView } from "../../views/model/event.ts";
import { deliveryReply, toDelivery } from "./deliveries.ts";
import { stored, today, toStored, toToday } from "./lifted.ts";
import { afterQuery, cursor, givenData, limit, list, term, timeMs, wholeNumber } from "./members.ts";
import { count, data, entity, position, time } from "./reply-members.ts";

/** The store has the shape of each member; here they have the names of the wire. */
export const eventRequest = z.strictObject({
  id: member.uuid.optional(),
  type: member.eventType,
  schema_version: member.schemaVersion.optional(),
  entity: member.entity,
  data: givenData,
  source: member.mark.optional(),
  occurred_at: member.time.optional(),
  priority: member.priority.optional(),
  correlation_id: member.mark.optional(),
  causation_id: member.mark.optional(),
  traceparent: member.traceparent.optional(),
  call_chain: member.callChain.optional(),
  context_refs: member.contextRefs.optional(),
});

const revisionMessage = 'must be "any", "none" or a revision from 0';

const expectedRevision = z.union([z.literal("any"), z.literal("none"), z.int().min(0)], revisionMessage);

const eventList = <S extends z.ZodType>(event: S) =>
  list(event, { min: 1, max: 1000, message: "must be a list of events", wrongLength: "must have 1 to 1000 events" });

/** Its events are `eventRequest`s, checked one by one. */
export const appendBatch = z.strictObject({ expected_revision: expectedRevision.optional(), events: eventList(z.unknown()) });

/** One event, or a batch of them. */
export const appendRequest = z.union([eventRequest, appendBatch.extend({ events: eventList(eventRequest) })]);

const revisionInQuery = z.union([z.enum(["any", "none"]), wholeNumber(0, Number.MAX_SAFE_INTEGER)], revisionMessage);

export const appendQuery = z.strictObject({ expected_revision: revisionInQuery.optional() });

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

/** `archived`: what has left the log is read back from the archive, and shown as `current`. */
export const asVersion = z.enum(["current", "stored", "archived"], "must be current, stored or archived").default("current");

export const eventQuery = afterQuery.extend({ as: asVersion });

/** One by one, as in complete.ts: most events have but these three. */
export function toEventInput(event: z.output<typeof eventRequest>): EventInput {
  const input: { -readonly [M in keyof EventInput]: EventInput[M] } = { type: event.type, entity: event.entity, data: event.data };
  if (event.id !== undefined) input.id = event.id;
  if (event.schema_version !== undefined) input.schemaVersion = event.schema_version;
  if (event.source !== undefined) input.source = event.source;
  if (event.occurred_at !== undefined) input.occurredAt = event.occurred_at;
  if (event.priority !== undefined) input.priority = event.priority;
  if (event.correlation_id !== undefined) input.correlationId = event.correlation_id;
  if (event.causation_id !== undefined) input.causationId = event.causation_id;
  if (event.traceparent !== undefined) input.traceparent = event.traceparent;
  if (event.call_chain !== undefined) input.callChain = event.call_chain;
  if (event.context_refs !== undefined) input.contextRefs = event.context_refs;
  return input;
}

export const appendReply = z.strictObject({
  events: z.array(z.strictObject({ id: z.string(), entity, revision: count, position, recorded_at: time, duplicate: z.boolean() })),
});

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

export type AppendReply = z.input<typeof appendReply>;
export type EventReply = z.input<typeof eventReply>;
export type EventsReply = z.input<typeof eventsReply>;

export function toAppendReply(events: readonly AppendedEvent[]): AppendReply {
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

/** The same of one event, as `JSON.stringify` writes it. Neither an entity's names nor what the log makes has anything to be escaped. */
export function writeAppendReply({ id, entity, revision, position, recordedAt, duplicate }: AppendedEvent): string {
  const event = `"id":"${id}","entity":{"type":"${entity.type}","id":"${entity.id}"},"revision":${revision},"position":"${position}"`;
  return `{"events":[{${event},"recorded_at":"${recordedAt}","duplicate":${duplicate}}]}`;
}

/** @param as `stored`: `schema_version` and `data` are what the log holds. */
export function toEventReply(event: EventView, as: z.output<typeof asVersion> = "current"): EventReply {
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
