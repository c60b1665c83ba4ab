/** Deliveries that wait for a person's decision. */
import { z } from "zod";
import { canonicalId } from "../../event/ids.ts";
import type { EscalationDecided } from "../../store/escalation-acts.ts";
import { type EscalationView, escalationStatuses } from "../../views/model/escalation.ts";
import { afterQuery, cursor, limit, term } from "./members.ts";
import { count, data, entity, position, time } from "./reply-members.ts";

export const escalationsQuery = afterQuery.extend({
  status: z.enum(escalationStatuses, `must be one of ${escalationStatuses.join(", ")}`).optional(),
  handler: term,
  delivery_id: term.transform((id) => (id === undefined ? undefined : canonicalId(id))),
  limit: limit(100, 1000),
  cursor,
});

export const escalationReply = z.strictObject({
  delivery_id: z.string(),
  event_id: z.string(),
  handler: z.string(),
  tenant: z.string(),
  entity,
  event_type: z.string(),
  revision: count,
  part: count.nullable(),
  why: z.string(),
  when: z.enum(["before", "after"]),
  status: z.enum(escalationStatuses),
  created_at: time,
  due_at: time.nullable(),
  decided_at: time.nullable(),
  decided_by: z.string().nullable(),
  reason: z.string().nullable(),
  data,
  data_error: z.string().nullable(),
});

export const escalationsReply = z.strictObject({ escalations: z.array(escalationReply), next_cursor: z.string().nullable() });

export const escalationActReply = escalationReply.extend({ position });

export type EscalationReply = z.input<typeof escalationReply>;
export type EscalationsReply = z.input<typeof escalationsReply>;
export type EscalationActReply = z.input<typeof escalationActReply>;

export function toEscalationReply(view: EscalationView): EscalationReply {
  return {
    delivery_id: view.deliveryId,
    event_id: view.eventId,
    handler: view.handler,
    tenant: view.tenant,
    entity: { ...view.entity },
    event_type: view.eventType,
    revision: view.revision,
    part: view.part,
    why: view.why,
    when: view.when,
    status: view.status,
    created_at: view.createdAt,
    due_at: view.dueAt,
    decided_at: view.decidedAt,
    decided_by: view.decidedBy,
    reason: view.reason,
    data: view.data,
    data_error: view.dataError,
  };
}

export function toEscalationActReply({ escalation, position: at }: EscalationDecided): EscalationActReply {
  return { ...toEscalationReply(escalation), position: String(at) };
}
