import type { DeadLetterCause } from "../../../records/attempt.ts";

export interface LetterRow {
  readonly entity: number;
  readonly stream: string;
  readonly revision: number;
  readonly handler: string;
  readonly position: number;
  readonly event_id: string;
  readonly delivery_id: string;
  readonly tenant: string;
  readonly type: string;
  readonly source: string | null;
  readonly status: "dead_lettered" | "escalated";
  readonly escalated: 0 | 1;
  readonly attempts: number;
  readonly retry_count: number;
  readonly cause: DeadLetterCause;
  readonly error_type: string;
  readonly error_message: string;
  readonly error_group: string;
  readonly replay_id: string | null;
  readonly first_failed_at: string;
  readonly dead_lettered_at: string;
  readonly part: number | null;
  readonly schema_version: number | null;
  readonly recorded_ms: number | null;
}

/** @param from where the rows `d` come from. */
export const selectLetters = (from: string) => `select d.*, (select stream from entities where id = d.entity) as stream, e.schema_version, e.recorded_ms
  from ${from} left join events e not indexed on e.position = d.position`;

/** What a replay has to know of one. It may ask for a hundred thousand, so nothing else is read. */
export type PointerRow = Pick<LetterRow, (typeof pointerColumns)[number] | "stream">;

const pointerColumns = ["handler", "revision", "position", "event_id", "delivery_id", "type", "attempts", "error_type", "error_message"] as const;

/** @param from where the rows `d` come from. */
export const selectPointers = (from: string) =>
  `select ${pointerColumns.map((column) => `d.${column}`).join(", ")}, (select stream from entities where id = d.entity) as stream from ${from}`;

export const indexOf = { event_id: "deliveries d indexed by deliveries_by_event", delivery_id: "deliveries d indexed by deliveries_by_id" } as const;

/** The status that it had as a dead letter. */
export function asLetter(row: LetterRow): LetterRow {
  return { ...row, status: row.escalated === 1 ? "escalated" : "dead_lettered" };
}
