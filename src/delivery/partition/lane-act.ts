import type { JournalEvent } from "../../records/journal.ts";
import type { Lane } from "./lane.ts";

/**
 * An operator's act on a lane, as it was judged: what the journal is to say, and what it does. It is done when its record is stored, never before, and
 * never when it is not; in between nothing of the lane starts, so that what was judged still holds.
 */
export interface LaneAct {
  readonly lane: Lane;
  /** The delivery that it is about; null: the lane as a whole. Two acts of one flush are about different ones. */
  readonly revision: number | null;
  readonly event: JournalEvent;
  /** @param revision of the last event of its append in the journal. */
  readonly apply: (revision: number) => void;
}

/** Whether an act has to wait until another one is through. */
export function concernsSame(one: Pick<LaneAct, "lane" | "revision">, other: Pick<LaneAct, "lane" | "revision">): boolean {
  return one.lane === other.lane && (one.revision === null || other.revision === null || one.revision === other.revision);
}
