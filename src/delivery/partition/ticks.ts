/** What time changes: lanes are due, slow calls hold the checkpoint, the others' patience with a suspect ends. */
import type { Agenda } from "./agenda.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Decisions } from "./decisions.ts";
import type { Facts } from "./facts.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneMoves } from "./lane-moves.ts";
import type { Leave } from "./leave.ts";
import type { PartitionOptions } from "./options.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { Recorder } from "./recorder.ts";
import type { Schedule } from "./schedule.ts";
import type { Suspects } from "./suspects.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface TicksNeeds {
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly checkpoint: Checkpoint;
  readonly decisions: Decisions;
  readonly facts: Facts;
  readonly leave: Leave;
  readonly moves: LaneMoves;
  readonly paced: PacedLanes;
  readonly recorder: Recorder;
  readonly schedule: Schedule;
  readonly suspects: Suspects;
  readonly wakeUps: WakeUps<Lane>;
}

export class Ticks {
  readonly #limits: PartitionOptions["limits"];
  readonly #needs: TicksNeeds;

  constructor({ limits }: Pick<PartitionOptions, "limits">, needs: TicksNeeds) {
    this.#limits = limits;
    this.#needs = needs;
  }

  tick(monotonicMs: number): void {
    this.#wake(monotonicMs);
    this.#detachSlow(monotonicMs);
    this.#needs.decisions.tick(monotonicMs);
    const patienceEndsMs = this.#needs.suspects.patienceEndsMs();
    if (patienceEndsMs !== null && monotonicMs >= patienceEndsMs) this.#endPatience();
  }

  /** Monotonic time of the next `tick` that can change anything; null: none. */
  nextMs(): number | null {
    const { checkpoint, decisions, leave, paced, schedule, suspects, wakeUps } = this.#needs;
    const held = checkpoint.heldBy();
    const sinceMs = held === undefined ? null : busySinceMs(held);
    let next = wakeUps.next();
    if (sinceMs !== null) next = earlier(next, sinceMs + this.#limits.slowMs + 1);
    if (schedule.grantsTurns()) next = earlier(next, paced.nextMs(schedule.freeSlots()));
    next = earlier(next, suspects.patienceEndsMs());
    next = earlier(next, leave.nextMs());
    return earlier(next, decisions.nextMs());
  }

  /** What is due may start again. */
  #wake(monotonicMs: number): void {
    for (const lane of this.#needs.wakeUps.due(monotonicMs)) {
      if (lane.dueMs !== null && lane.dueMs <= monotonicMs) lane.dueMs = null;
      for (const replay of lane.replays) if (replay.dueMs !== null && replay.dueMs <= monotonicMs) replay.dueMs = null;
      for (const loan of lane.loans) if (loan.dueMs !== null && loan.dueMs <= monotonicMs) loan.dueMs = null;
      this.#needs.agenda.refresh(lane);
    }
  }

  /** The checkpoint passes lanes whose call holds it for too long. */
  #detachSlow(monotonicMs: number): void {
    const { agenda, checkpoint, moves, recorder } = this.#needs;
    const { slowMs, readAheadEvents } = this.#limits;
    for (let lane = checkpoint.heldBy(); lane !== undefined; lane = checkpoint.heldBy()) {
      const sinceMs = busySinceMs(lane);
      const outcomesBefore = lane.running?.outcomesBefore ?? recorder.total;
      if (sinceMs === null || (monotonicMs - sinceMs <= slowMs && recorder.total - outcomesBefore <= readAheadEvents / 2)) return;
      moves.detach(lane, "slow");
      agenda.refresh(lane);
    }
  }

  #endPatience(): void {
    const { agenda, book, facts, suspects } = this.#needs;
    const running = suspects.endPatience();
    // It may still kill the process, but from now on it would not be the only culprit there could be: the record has to say so.
    if (running !== null && running.loan === null) facts.started(running, false);
    running?.loan?.call?.onNotAlone?.();
    for (const lane of book.all()) agenda.refresh(lane);
  }
}

/** Null: never. */
const earlier = (one: number | null, other: number | null): number | null => (one === null || (other !== null && other < one) ? other : one);

/** Since when the lane has not been free for the event that it is to start next; null: it is free. */
const busySinceMs = ({ running, loans }: Lane): number | null => loans[0]?.sinceMs ?? running?.startedMs ?? null;
