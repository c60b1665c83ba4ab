/**
 * Where a lane stands, and the rules by which it moves. Two sides hold such a record: the fold of the journal (`journal/state.ts`), and the lane at work
 * (`lane.ts`). They go by the same rules, because a restart makes the second out of the first.
 *
 * What each side keeps for itself, and why:
 * - The wait. The journal has the wall clock's time and its length, which outlive the process; the lane has monotonic time, which no set clock moves.
 *   So `moveOn` says whether the lane moved, and each side then ends its own wait.
 * - The pace. The lane that follows one also stands in `PacedLanes`, which lets go of it; the journal's record has the field alone. `paceIsOver` decides.
 * - Who feeds the lane. The lane drops its queue and is counted in `LaneBook`; the journal's record leaves the set of those that the checkpoint looks at.
 */
import type { Position } from "../../event/event.ts";
import type { Act } from "../../records/act.ts";
import type { Deferrals } from "../../records/attempt.ts";
import type { Approval } from "../../records/escalation.ts";
import type { LaneBlock } from "../../records/lane-state.ts";
import type { AmendmentPointer } from "../../records/snapshot.ts";
import { noDeferrals } from "../policy/waits.ts";
import { decisionOf, type Escalated, type OpenDecision } from "./open-decision.ts";
import type { EventPointer } from "./pointer.ts";

/** A dead letter: a pointer to the event, and what its replays need. */
export interface LetterStanding {
  readonly at: Position;
  readonly eventId: string;
  /** All calls so far. */
  attempts: number;
  /** What it waits for: it is escalated; null: for nobody's decision. */
  decision: OpenDecision | null;
  /** Whose leave to run it has. */
  approval: Approval | null;
  /** The data that its deliveries carry, when it is not the stored one. */
  amended: AmendmentPointer | null;
}

export interface LaneStanding {
  /** First revision that is not done, dead letters apart. */
  next: number;
  /** Position of the last event known to be done; 0 when none is. */
  at: Position;
  /** It is fed by its own stream; otherwise by the subscription. Never by both. */
  detached: boolean;
  /** Why the event at `next` cannot be delivered by this build; null: it can. */
  blockedBy: LaneBlock | null;
  /** An operator has paused it: nothing of it starts. */
  paused: boolean;
  readonly letters: ReadonlyMap<number, LetterStanding>;
  /** Failed calls of the event at `next`. */
  attempts: number;
  deferred: Deferrals;
  /** Its live deliveries up to `through` stay on the pace of the replay that released them. */
  pace: { readonly replayId: string; readonly through: number } | null;
}

/**
 * Everything before `next` is done, up to the event at position `at`. What was known of the event that was next is forgotten.
 *
 * @returns whether the lane moved: its wait, and a pace that is over, are then the caller's to end.
 */
export function moveOn(lane: LaneStanding, next: number, at: Position): boolean {
  if (at > lane.at) lane.at = at;
  if (next <= lane.next) return false;
  lane.next = next;
  lane.blockedBy = null;
  forgetCalls(lane);
  return true;
}

/** The calls so far were those of another event, or of another part of a split one. */
export function forgetCalls(lane: LaneStanding): void {
  lane.attempts = 0;
  lane.deferred = noDeferrals;
}

/** The event at `revision` is called again later. @param deferred null: the deferrals so far stay as they are. */
export function stayAt(lane: LaneStanding, revision: number, attempts: number, deferred: Deferrals | null): void {
  if (lane.next !== revision) lane.deferred = noDeferrals; // those were of an event before it
  lane.next = revision;
  lane.attempts = attempts;
  if (deferred !== null) lane.deferred = deferred;
}

/** The lane is past the last event that the pace was for. */
export function paceIsOver({ next, pace }: LaneStanding): boolean {
  return pace !== null && next > pace.through;
}

/** The event as a dead letter of the lane. One that failed again keeps the data that an operator gave it, and the leave to run that it had. */
export function letterOf(
  { letters }: LaneStanding,
  { revision, position, id }: EventPointer,
  { attempts, ...escalated }: Pick<LetterStanding, "attempts"> & Escalated,
): LetterStanding & { readonly replay: null } {
  const { amended = null, approval = null } = letters.get(revision) ?? {};
  return { at: position, eventId: id, attempts, decision: decisionOf(escalated), approval: approval && { ...approval, isDue: false }, replay: null, amended };
}

/** A person has decided: the dead letter has leave to run. With `act.replayId` that replay runs it. */
export function approve(letter: LetterStanding, runId: string, { actor, reason, replayId }: Act): void {
  letter.approval = { id: runId, actor, reason, part: letter.decision?.part ?? null, isDue: replayId === undefined };
  letter.decision = null;
}

/** Whether the journal has to keep the lane, whatever the checkpoint has passed. */
export function isRecorded({ detached, letters }: LaneStanding): boolean {
  return detached || letters.size > 0;
}

/** Whether the lane says more than the checkpoint does; only then a record of it is kept. */
export function saysMore(lane: LaneStanding, checkpoint: Position): boolean {
  return isRecorded(lane) || lane.at > checkpoint;
}
