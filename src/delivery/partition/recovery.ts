/** From what the journal says at a start to lanes that are at work again. */
import type { LaneRecord, PartitionState, StartedRecord } from "../journal/state.ts";
import { defaultTimes } from "../policy/decision-times.ts";
import { maxDelayMs } from "../policy/waits.ts";
import type { Agenda } from "./agenda.ts";
import { judgeCutOff } from "./ends.ts";
import type { Facts } from "./facts.ts";
import { type Lane, laneBatch, makeLane, putLetter } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneMoves } from "./lane-moves.ts";
import { escalatedNow, leftMs } from "./open-decision.ts";
import type { OpenDecisions } from "./open-decisions.ts";
import type { PartitionOptions } from "./options.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { Readiness } from "./readiness.ts";
import type { Replays } from "./replays.ts";
import type { Suspects } from "./suspects.ts";
import type { WakeUps } from "./wake-ups.ts";

/** What the journal says at start. */
export interface Recovered {
  /** Folded, our own `partition.claimed` included. */
  readonly state: PartitionState;
  /** Whether the last owner ended without releasing, and how far it may have been ahead of its checkpoint. */
  readonly unclean: boolean;
  readonly readAhead: number;
  /** Wall clock and monotonic clock, at the same moment. */
  readonly nowMs: number;
  readonly monotonicMs: number;
}

export interface RecoveryNeeds {
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly facts: Facts;
  readonly moves: LaneMoves;
  readonly open: OpenDecisions;
  readonly paced: PacedLanes;
  readonly readiness: Readiness;
  readonly replays: Replays;
  readonly suspects: Suspects;
  readonly wakeUps: WakeUps<Lane>;
}

export function recover(options: Pick<PartitionOptions, "unknownOutcome" | "limits" | "decisions">, recovered: Recovered, needs: RecoveryNeeds): void {
  const { state, unclean } = recovered;
  for (const [stream, record] of state.lanes) {
    const lane = needs.book.add(laneFrom(stream, record, recovered));
    needs.paced.follow(lane, record.pace);
    if (unclean && lane.detached) lane.suspectThrough = lane.next + laneBatch;
    if (lane.detached) lane.doubtThrough = lane.next + laneBatch;
    if (lane.dueMs !== null) needs.wakeUps.add(lane.dueMs, lane);
  }
  if (unclean)
    for (const [stream, revisions] of state.started)
      for (const [revision, started] of [...revisions].sort(([a], [b]) => a - b))
        recoverStarted(options, { stream, revision, started, nowMs: recovered.nowMs }, needs);
  for (const lane of needs.book.all()) {
    for (const [revision, { decision, approval }] of lane.letters) {
      if (approval?.isDue) needs.replays.run(lane, revision);
      // What this start has given up has told of its decision already.
      if (decision !== null && state.lanes.get(lane.stream)?.letters.has(revision))
        needs.open.add({ lane, revision, decision }, leftMs(decision, recovered.nowMs));
    }
    needs.agenda.refresh(lane);
  }
}

function laneFrom(stream: string, record: LaneRecord, { nowMs, monotonicMs }: Recovered): Lane {
  // A clock that was set back meanwhile makes no wait longer than it was set.
  const dueMs = (retryAt: number | null, waitMs: number | null): number | null =>
    retryAt === null ? null : monotonicMs + Math.min(Math.max(0, retryAt - nowMs), waitMs ?? maxDelayMs);
  const lane = makeLane(stream, record.next);
  lane.at = record.at;
  lane.detached = record.detached;
  lane.attempts = record.attempts;
  lane.deferred = record.deferred;
  lane.failing = record.attempts > 0;
  lane.troubled = record.retryAt !== null || record.attempts > 0;
  lane.paused = record.paused;
  lane.dueMs = dueMs(record.retryAt, record.waitMs);
  for (const [revision, letter] of record.letters)
    putLetter(lane, revision, { ...letter, replay: letter.replay && { ...letter.replay, dueMs: dueMs(letter.replay.retryAt, letter.replay.waitMs) } });
  return lane;
}

/** A call that was on record and has no outcome: the process died meanwhile. */
function recoverStarted(
  options: Pick<PartitionOptions, "unknownOutcome" | "limits" | "decisions">,
  {
    stream,
    revision,
    started,
    nowMs,
  }: { readonly stream: string; readonly revision: number; readonly started: StartedRecord /** Wall clock. */; readonly nowMs: number },
  { book, facts, moves, readiness, suspects }: RecoveryNeeds,
): void {
  const known = book.get(stream);
  const letter = known?.letters.get(revision);
  if (known !== undefined && letter === undefined && revision < known.next) return;
  // A lane without a record was attached, and everything before this call was recorded as done with the call.
  const lane = known ?? book.add(makeLane(stream, revision));
  const cutOff = judgeCutOff(started.ends, options);
  if (cutOff !== null) giveUp(options, lane, revision, { started, nowMs, ...cutOff }, facts);
  else if (letter !== undefined) letter.suspect = started.ends;
  else if (readiness.mayRunLive(lane)) {
    if (!lane.detached) moves.detach(lane, "suspect");
    suspects.add(lane, { revision, ends: started.ends, loan: null });
  }
}

function giveUp(
  options: Pick<PartitionOptions, "decisions">,
  lane: Lane,
  revision: number,
  { started, nowMs, cause, error }: { readonly started: StartedRecord; readonly nowMs: number } & NonNullable<ReturnType<typeof judgeCutOff>>,
  facts: Facts,
): void {
  facts.deadLettered(
    lane,
    { revision, position: started.at, id: started.eventId },
    {
      attempts: started.attempt,
      retryCount: 1,
      cause,
      error,
      ...(cause === "unknown_outcome" ? escalatedNow(options.decisions ?? defaultTimes, { when: "after", why: error.message, nowMs }) : { escalated: false }),
      record: null,
      ...(started.replayId === null ? {} : { replayId: started.replayId }),
    },
  );
  lane.failing = true;
}
