/** What an attempt of a dead letter's replay came to. */
import type { Delivery } from "./delivery.ts";
import type { Facts } from "./facts.ts";
import type { Lane } from "./lane.ts";
import type { LetterReplay } from "./letter.ts";
import type { PartitionOptions } from "./options.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { Recorder } from "./recorder.ts";
import { endReplay, leaveReplay } from "./replay-ends.ts";
import type { Verdict } from "./verdict.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface LetterOutcomesNeeds {
  readonly facts: Facts;
  readonly paced: PacedLanes;
  readonly recorder: Recorder;
  readonly wakeUps: WakeUps<Lane>;
}

export class LetterOutcomes {
  readonly #isStrict: boolean;
  readonly #facts: Facts;
  readonly #paced: PacedLanes;
  readonly #recorder: Recorder;
  readonly #wakeUps: WakeUps<Lane>;

  constructor({ ordering }: Pick<PartitionOptions, "ordering">, { facts, paced, recorder, wakeUps }: LetterOutcomesNeeds) {
    this.#isStrict = ordering === "strict";
    this.#facts = facts;
    this.#paced = paced;
    this.#recorder = recorder;
    this.#wakeUps = wakeUps;
  }

  conclude(delivery: Delivery, replay: LetterReplay, verdict: Verdict, monotonicMs: number): void {
    switch (verdict.kind) {
      case "completed":
      case "dropped":
        this.#settle(delivery, replay, verdict);
        return;
      case "retry":
      case "defer":
        if (verdict.kind === "retry" && replay.leaving === "stop") this.#giveUp(delivery, replay, lastOne(verdict));
        else this.#wait(delivery, replay, verdict, monotonicMs);
        return;
      case "give_up":
        this.#giveUp(delivery, replay, verdict);
        return;
      case "newer_build":
        endReplay(this.#recorder, delivery.lane, replay, { outcome: "skipped", reason: "newer_build" });
        return;
      case "damaged":
        endReplay(this.#recorder, delivery.lane, replay, { outcome: "skipped", reason: `LOG_DAMAGED: ${verdict.detail}` });
        return;
      case "put_back":
        if (replay.leaving !== null) leaveReplay(this.#recorder, delivery.lane, replay, replay.leaving);
    }
  }

  /** The letter leaves the lane, and releases what stands behind it. */
  #settle({ lane, event }: Delivery, replay: LetterReplay, verdict: Extract<Verdict, { kind: "completed" | "dropped" }>): void {
    const { actor, reason, replayId } = replay;
    lane.failing = false;
    const paceThrough = this.#pacesThrough(lane, replay);
    const { record } = verdict;
    if (verdict.kind === "completed") this.#facts.replayed(lane, event, { act: { actor, reason, replayId }, record, paceThrough });
    else {
      const act = { actor, reason: verdict.reason, replayId };
      this.#facts.settled(lane, event, { outcome: "skipped", cause: null, act, record, ...(paceThrough === null ? {} : { paceThrough }) });
    }
    if (paceThrough !== null) this.#paced.follow(lane, { replayId, through: paceThrough });
    endReplay(this.#recorder, lane, replay, verdict.kind === "completed" ? { outcome: "replayed" } : { outcome: "skipped", reason: verdict.reason });
  }

  #wait(delivery: Delivery, replay: LetterReplay, verdict: Extract<Verdict, { kind: "retry" | "defer" }>, monotonicMs: number): void {
    const { lane, event, attempt } = delivery;
    this.#facts.waits(delivery, verdict);
    if (verdict.kind === "retry") {
      replay.failed++;
      replay.deferred = verdict.deferrals ?? replay.deferred;
      const letter = lane.letters.get(event.revision);
      if (letter) letter.attempts = attempt;
    } else replay.deferred = verdict.deferrals;
    lane.failing = true;
    replay.dueMs = monotonicMs + verdict.waitMs;
    if (replay.leaving !== null) {
      leaveReplay(this.#recorder, lane, replay, replay.leaving);
      return;
    }
    this.#wakeUps.add(replay.dueMs, lane);
    if (replay.turn === null) return;
    replay.turn = "awaited";
    this.#recorder.end(replay, { outcome: "awaits_turn", inMs: verdict.waitMs }); // whoever asked for this call is told; the replay stays
  }

  #giveUp(delivery: Delivery, replay: LetterReplay, verdict: Extract<Verdict, { kind: "give_up" }>): void {
    const { lane } = delivery;
    lane.failing = true;
    this.#facts.gaveUp(delivery, verdict);
    endReplay(this.#recorder, lane, replay, { outcome: "dead_lettered", error: verdict.error });
    // Strict: what comes after it stays behind it. (Several letters in one lane are left from before the handler became strict.)
    if (!this.#isStrict) return;
    for (const later of lane.replays)
      endReplay(this.#recorder, lane, later, { outcome: "skipped", reason: "an earlier dead letter of its entity failed again" });
  }

  /** How far the events that this letter alone still holds stay on its replay's pace; null: not at all. */
  #pacesThrough({ letters, next }: Lane, { replayId, through }: LetterReplay): number | null {
    const releases = this.#isStrict && letters.size === 1 && this.#paced.has(replayId);
    return releases && through !== null && through >= next ? through : null;
  }
}

/** A failure that would have been tried again, and is not. */
const lastOne = ({ record }: Extract<Verdict, { kind: "retry" }>): Extract<Verdict, { kind: "give_up" }> => ({
  kind: "give_up",
  record,
  cause: "exhausted",
  error: record.error ?? { type: "Error", message: "failed" },
  becomes: "dead_letter",
});
