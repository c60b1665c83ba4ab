import type { Entity, Json } from "../../event/event.ts";
import type { Escalation } from "../../records/escalation.ts";
import type { PageOptions } from "./page.ts";

export const escalationStatuses = ["open", "approved", "rejected", "expired"] as const;
export type EscalationStatus = (typeof escalationStatuses)[number];

export interface EscalationFilter {
  readonly tenant: string;
  readonly status?: EscalationStatus;
  readonly handler?: string;
  readonly deliveryId?: string;
}

/** Who is asked what, without the event's data. */
export interface EscalationPointer {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly handler: string;
  readonly tenant: string;
  readonly stream: string;
  readonly entity: Entity;
  readonly revision: number;
  readonly why: string;
  /** Whether the handler was called before. */
  readonly when: Escalation["when"];
  readonly status: EscalationStatus;
  readonly createdAt: string;
  /** Null: the first builds set no time. */
  readonly dueAt: string | null;
  readonly decidedAt: string | null;
  /** Null while it is open, and of one that expired: nobody decided. */
  readonly decidedBy: string | null;
  readonly reason: string | null;
}

export interface EscalationView extends EscalationPointer {
  readonly eventType: string;
  /** Of a split event: which part. */
  readonly part: number | null;
  /** As the handler would get it now. */
  readonly data: Json;
  readonly dataError: string | null;
}

export interface EscalationReads {
  /** Newest first. */
  escalations(filter: EscalationFilter, page: PageOptions): Promise<{ readonly escalations: readonly EscalationView[]; readonly nextCursor: string | null }>;
  /** The last one of a delivery; undefined when it was never escalated. */
  escalation(tenant: string, deliveryId: string): Promise<EscalationView | undefined>;
  /** How many are open, by tenant and handler. @param tenant `*`: of all. */
  openEscalations(tenant: string): Promise<readonly { readonly tenant: string; readonly handler: string; readonly open: number }[]>;
  /** Those that are open and due, the longest due first. @param at RFC 3339 in UTC. */
  dueEscalations(tenant: string, at: string, limit: number): Promise<readonly EscalationPointer[]>;
}
