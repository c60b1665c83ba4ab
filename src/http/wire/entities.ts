/** Entities, their lanes and their events. */

import { z } from "zod";
import { deliveryStatuses } from "../../views/model/delivery.ts";
import { type EntityView, shownLaneStates } from "../../views/model/entity.ts";
import { asVersion, eventReply } from "./events.ts";
import { actRequest, afterQuery, cursor, limit, term, wholeNumber } from "./members.ts";
import { count, entity, failure, position, time, toFailure } from "./reply-members.ts";

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
  as: asVersion,
});

export const laneActRequest = actRequest.extend({ handler: term });

export const entityReply = z.strictObject({
  entity,
  tenant: z.string(),
  revision: count,
  last_event_at: time,
  archived: z.strictObject({ events: count, before: count, segment: z.string() }).nullable(),
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

export const entityEventsReply = z.strictObject({
  events: z.array(eventReply),
  next_from: count.nullable(),
  archived: z.strictObject({ before: count, segments: z.array(z.string()) }).nullable(),
});

/** `handlers`: those whose lane the act was done on. */
export const laneActReply = z.strictObject({ entity, handlers: z.array(z.string()), position });

export type EntityReply = z.input<typeof entityReply>;
export type EntitiesReply = z.input<typeof entitiesReply>;
export type EntityEventsReply = z.input<typeof entityEventsReply>;
export type LaneActReply = z.input<typeof laneActReply>;

export function toEntityReply(view: EntityView): EntityReply {
  return {
    entity: { ...view.entity },
    tenant: view.tenant,
    revision: view.revision,
    last_event_at: view.lastEventAt,
    archived: view.archived,
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
