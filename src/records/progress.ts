/** What the lists of a `progress` say, as events of their own say it. */
import type { AttachedLane, JournalData, StartedCall } from "./journal.ts";

export function attachedOf([lane, at]: AttachedLane): JournalData["lane.attached"] {
  return { lane, at };
}

export function startedOf([lane, revision, at, eventId, attempt, replayId]: StartedCall): JournalData["delivery.started"] {
  return { lane, revision, at, eventId, attempt, alone: false, ...(replayId === null ? {} : { replayId }) };
}
