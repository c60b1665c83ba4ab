/** What people decide of dead letters that wait for them, and what becomes of those on which nobody decides in time. */
import { RepriseError } from "../../errors.ts";
import { policyActor } from "../../event/names.ts";
import type { Act } from "../../records/act.ts";
import type { Agenda } from "./agenda.ts";
import type { Facts } from "./facts.ts";
import type { Lane } from "./lane.ts";
import type { LaneAct } from "./lane-act.ts";
import { approve as giveLeave } from "./lane-standing.ts";
import type { Letter } from "./letter.ts";
import type { Letters } from "./letters.ts";
import type { DecisionNotice, OpenDecisions, TimedDecision } from "./open-decisions.ts";
import { pointerTo } from "./pointer.ts";
import type { Recorder } from "./recorder.ts";
import type { Replays } from "./replays.ts";

export interface DecisionsNeeds {
  readonly agenda: Agenda;
  readonly facts: Facts;
  readonly letters: Letters;
  readonly open: OpenDecisions;
  readonly recorder: Recorder;
  readonly replays: Replays;
}

/** The act on its lane, whose record is under way, may decide it. */
const underWayMs = 10;

export class Decisions {
  readonly #needs: DecisionsNeeds;

  constructor(needs: DecisionsNeeds) {
    this.#needs = needs;
  }

  /**
   * Gives a dead letter leave to run, and runs it once the record is stored. With `act.replayId` that replay runs it.
   *
   * @param runId the `replayId` of its calls.
   * @throws NOT_DEAD_LETTERED, ALREADY_DECIDED, LETTER_NOT_FIRST
   */
  approve(stream: string, revision: number, { runId, act }: { readonly runId: string; readonly act: Act }): LaneAct {
    const { letters, replays } = this.#needs;
    this.#mustBeOpen(stream, revision);
    const { lane, letter } = letters.mustBeFirst(stream, revision);
    return {
      lane,
      revision,
      event: { type: "delivery.decided", data: { ...pointerOf(lane, revision, letter), decision: "approved", runId, act } },
      apply: () => {
        giveLeave(letter, runId, act);
        replays.run(lane, revision);
      },
    };
  }

  /** Discards what waits for a decision. @throws NOT_DEAD_LETTERED, ALREADY_DECIDED */
  reject(stream: string, revision: number, act: Act): LaneAct {
    this.#mustBeOpen(stream, revision);
    return this.#needs.letters.discard(stream, revision, act);
  }

  takeNotices(): readonly DecisionNotice[] {
    return this.#needs.open.takeNotices();
  }

  /** Tells what is due, as far as the next flush has room. */
  tick(monotonicMs: number): void {
    const { open, recorder } = this.#needs;
    if (recorder.isFull()) return;
    for (const timed of open.due(monotonicMs)) {
      if (timed.lane.acts > 0) open.later(timed, monotonicMs + underWayMs);
      else this.#tell(timed, monotonicMs >= timed.dueMs ? "due" : "due_soon");
      if (recorder.isFull()) return;
    }
  }

  /** Monotonic time of the next `tick` that has something to do; null: none. What has no room now comes after the flush. */
  nextMs(): number | null {
    return this.#needs.recorder.isFull() ? null : this.#needs.open.nextMs();
  }

  #tell(timed: TimedDecision, stage: "due_soon" | "due"): void {
    const { agenda, facts, open, recorder } = this.#needs;
    const { lane, revision, decision } = timed;
    const letter = lane.letters.get(revision)!;
    const expires = stage === "due" && decision.onDue === "reject";
    const notice = { stream: lane.stream, revision, eventId: letter.eventId, part: decision.part, dueAt: decision.dueAt };
    open.notice({ ...notice, stage: expires ? "expired" : stage });
    if (!expires) {
      recorder.fact({ type: "delivery.noticed", data: { ...pointerOf(lane, revision, letter), stage } });
      open.told(timed, stage);
      return;
    }
    const act = { actor: policyActor, reason: "expired: nobody decided in time" };
    const event = { revision, position: letter.at, id: letter.eventId };
    facts.settled(lane, event, { outcome: "discarded", cause: null, act, decision: "expired", record: null });
    agenda.refresh(lane);
  }

  #mustBeOpen(stream: string, revision: number): void {
    const letter = this.#needs.letters.get(stream, revision);
    if (letter !== undefined && letter.decision === null) throw new RepriseError("ALREADY_DECIDED", "Nothing waits for a decision here any more.");
  }
}

const pointerOf = (lane: Lane, revision: number, { at, eventId }: Letter) => pointerTo(lane, { revision, position: at, id: eventId });
