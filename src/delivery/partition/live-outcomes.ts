/** What an attempt of the lane's next event came to. */
import type { StoredEvent } from "../../event/event.ts";
import { policyActor } from "../../event/names.ts";
import type { Delivery } from "./delivery.ts";
import type { Facts } from "./facts.ts";
import { dropQueue, type Lane } from "./lane.ts";
import type { LaneMoves } from "./lane-moves.ts";
import { stayAt } from "./lane-standing.ts";
import type { Parts } from "./parts.ts";
import { pointerTo } from "./pointer.ts";
import type { Recorder } from "./recorder.ts";
import type { Verdict } from "./verdict.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface LiveOutcomesNeeds {
  readonly facts: Facts;
  readonly moves: LaneMoves;
  readonly parts: Parts;
  readonly recorder: Recorder;
  readonly wakeUps: WakeUps<Lane>;
}

export class LiveOutcomes {
  readonly #facts: Facts;
  readonly #moves: LaneMoves;
  readonly #parts: Parts;
  readonly #recorder: Recorder;
  readonly #wakeUps: WakeUps<Lane>;

  constructor({ facts, moves, parts, recorder, wakeUps }: LiveOutcomesNeeds) {
    this.#facts = facts;
    this.#moves = moves;
    this.#parts = parts;
    this.#recorder = recorder;
    this.#wakeUps = wakeUps;
  }

  conclude(delivery: Delivery, verdict: Verdict, monotonicMs: number): void {
    const { lane, event } = delivery;
    switch (verdict.kind) {
      case "completed":
        if (lane.troubled) this.#recorder.completed({ ...pointerTo(lane, event), record: verdict.record });
        lane.failing = false;
        this.#parts.forget(lane.stream, event.revision);
        this.#moves.advance(lane, event.revision + 1, event.position);
        return;
      case "retry":
      case "defer":
        this.#wait(delivery, verdict, monotonicMs);
        return;
      case "give_up":
        lane.failing = true;
        if (verdict.becomes === "skip") {
          const act = { actor: policyActor, reason: null };
          this.#facts.settled(lane, event, { outcome: "skipped", cause: verdict.cause, act, record: verdict.record });
        } else this.#facts.gaveUp(delivery, verdict);
        return;
      case "dropped":
        lane.failing = false;
        this.#facts.settled(lane, event, { outcome: "skipped", cause: null, act: { actor: policyActor, reason: verdict.reason }, record: verdict.record });
        return;
      case "newer_build":
        this.#moves.block(lane, { why: "newer_build" });
        return;
      case "damaged":
        this.#moves.block(lane, { why: "LOG_DAMAGED", detail: verdict.detail });
        return;
      case "put_back":
        putBack(lane, event);
    }
  }

  /** The lane leaves the subscription, and reads the event again when it is due. */
  #wait(delivery: Delivery, verdict: Extract<Verdict, { kind: "retry" | "defer" }>, monotonicMs: number): void {
    const { lane, event, attempt } = delivery;
    this.#facts.waits(delivery, verdict);
    this.#moves.leaveSubscription(lane);
    dropQueue(lane);
    if (verdict.kind === "retry") stayAt(lane, event.revision, attempt, verdict.deferrals);
    else stayAt(lane, event.revision, attempt - 1, verdict.deferrals);
    lane.troubled = true;
    lane.failing = true;
    lane.dueMs = monotonicMs + verdict.waitMs;
    this.#wakeUps.add(lane.dueMs, lane);
  }
}

function putBack(lane: Lane, event: StoredEvent): void {
  // A lane that was detached meanwhile reads it again.
  if (!lane.detached || lane.readThrough >= event.revision) lane.queue.unshift(event);
}
