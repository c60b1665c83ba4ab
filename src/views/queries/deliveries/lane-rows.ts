import type { LaneBlock } from "../../../records/lane-state.ts";
import type { Sources } from "../context.ts";

/** Of `lanes`. */
export const laneColumns = "handler, next, at, detached, why, detail, retry_at, letters, paused, paused_by, paused_reason";

export interface LaneRow {
  readonly handler: string;
  readonly next: number;
  readonly at: number;
  readonly detached: 0 | 1;
  readonly why: LaneBlock | null;
  /** Of LOG_DAMAGED: the place. */
  readonly detail: string | null;
  readonly retry_at: string | null;
  readonly letters: number;
  readonly paused: 0 | 1;
  readonly paused_by: string | null;
  readonly paused_reason: string | null;
}

export function laneRow({ db }: Sources, entity: number, handler: string): LaneRow | undefined {
  return db().get<LaneRow>(`select ${laneColumns} from lanes where entity = ? and handler = ?`, entity, handler);
}
