/** What the lists of a flush say, as events of their own say it. */
import type { Act } from "./act.ts";
import type { AttachedLane, JournalData, ReplayedLetter, StartedCall } from "./journal.ts";

export function attachedOf([lane, at]: AttachedLane): JournalData["lane.attached"] {
  return { lane, at };
}

export function startedOf([lane, revision, at, eventId, attempt, replayId]: StartedCall): JournalData["delivery.started"] {
  return { lane, revision, at, eventId, attempt, alone: false, ...(replayId === null ? {} : { replayId }) };
}

export function settledOf(act: Act, [lane, revision, at, eventId, before, record, paceThrough]: ReplayedLetter): JournalData["delivery.settled"] {
  return { lane, revision, at, eventId, before, outcome: "replayed", cause: null, act, record, ...(paceThrough === null ? {} : { paceThrough }) };
}

/** A `letters.replayed` as its `delivery.settled`, in order; any other event as it is. */
export function singly<E extends { readonly type: string; readonly data: unknown }>(event: E): readonly E[] {
  if (event.type !== "letters.replayed") return [event];
  const { act, letters } = event.data as JournalData["letters.replayed"];
  return letters.map((letter) => ({ ...event, type: "delivery.settled", data: settledOf(act, letter) }));
}

/** The same of a record that may be another program's, under our name: one that is not as ours are stands for none. */
export function singlyIfOurs<E extends { readonly type: string; readonly data: unknown }>(event: E): readonly E[] {
  try {
    return singly(event);
  } catch {
    return [];
  }
}
