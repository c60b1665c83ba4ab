/** What a lane could start now, by its rules alone. Changes nothing. */
import type { StoredEvent } from "../../event/event.ts";
import type { LaneState } from "../../records/lane-state.ts";
import type { Lane } from "./lane.ts";
import type { LaneLoan } from "./lane-loan.ts";
import type { LetterReplay } from "./letter.ts";
import type { PartitionOptions } from "./options.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { Suspect, Suspects } from "./suspects.ts";

/** What a lane would start, and the replay whose turn it needs for that; null: none. */
export interface Work {
  readonly event: StoredEvent;
  readonly replay: LetterReplay | null;
  readonly loan: LaneLoan | null;
  readonly replayId: string | null;
}

export class Readiness {
  readonly #isStrict: boolean;
  readonly #paced: PacedLanes;
  readonly #suspects: Suspects;

  constructor({ ordering }: Pick<PartitionOptions, "ordering">, paced: PacedLanes, suspects: Suspects) {
    this.#isStrict = ordering === "strict";
    this.#paced = paced;
    this.#suspects = suspects;
  }

  mayRunLive(lane: Lane): boolean {
    return !lane.paused && lane.acts === 0 && lane.blockedBy === null && lane.dueMs === null && !this.#isBlockedByLetter(lane);
  }

  /** Letters of a lane are replayed in revision order; a later one waits while the first is in back-off. */
  replayReady(lane: Lane): LetterReplay | undefined {
    const [first] = lane.replays;
    return first !== undefined && first.event !== null && lane.acts === 0 && this.nextOfReplay(lane) === first ? first : undefined;
  }

  /** What comes next of a replay, unless something keeps it, or its runner at another instance has no turn for it yet: only its event is read and held. */
  nextOfReplay(lane: Lane): LetterReplay | LaneLoan | undefined {
    const loan = this.loanOf(lane);
    if (loan !== undefined) return loan.call === null || loan.dueMs !== null || lane.paused ? undefined : loan;
    const [first] = lane.replays;
    return first === undefined || first.dueMs !== null || first.turn === "awaited" || lane.paused ? undefined : first;
  }

  /** Of that, what has to be read first. */
  toRead(lane: Lane): LetterReplay | LaneLoan | undefined {
    const next = this.nextOfReplay(lane);
    return next?.event === null ? next : undefined;
  }

  /** The loan that has the lane. What ran at a crash comes first. */
  loanOf(lane: Lane): LaneLoan | undefined {
    return this.#suspects.of(lane)?.loan === null ? undefined : lane.loans[0];
  }

  #loanReady({ lane, event, dueMs }: LaneLoan): boolean {
    return event !== null && dueMs === null && !lane.paused && lane.acts === 0;
  }

  workOf(lane: Lane): Work | undefined {
    const loan = this.loanOf(lane);
    if (loan !== undefined) return this.#loanReady(loan) ? { event: loan.event!, replay: null, loan, replayId: loan.replayId } : undefined;
    const replay = this.replayReady(lane);
    const replayed = replay && { event: replay.event!, replay, loan: null, replayId: replay.replayId };
    const event = lane.queue.length > 0 && this.mayRunLive(lane) ? lane.queue.first() : undefined;
    // A relaxed lane goes on while its letter waits for a turn.
    if (replayed && (event === undefined || !this.needsTurn(lane, replayed))) return replayed;
    if (event === undefined) return undefined;
    return { event, replay: null, loan: null, replayId: lane.pace !== null && event.revision <= lane.pace.through ? lane.pace.replayId : null };
  }

  needsTurn(lane: Lane, { replay, loan, replayId }: Work): boolean {
    if (replayId === null || (lane.turn?.granted && lane.turn.replayId === replayId)) return false;
    return (replay === null && loan === null) || this.#paced.has(replayId); // a live delivery also waits for a pace that is not told yet
  }

  /** What a suspect's lane can do: what is `ready` runs, and `live` too when enough of the lane is on record; `later` waits, and `over` is a suspect no more. */
  ofSuspect(lane: Lane, { revision, loan }: Suspect): "ready" | "live" | "later" | "over" {
    if (lane.acts > 0) return "later"; // in a moment
    if (lane.running !== null) return "over"; // a call goes on long after its time-out, and nobody knows for how long
    if (loan !== null) return lane.loans[0] === loan && this.#loanReady(loan) ? "ready" : "over";
    const replay = lane.replays.find((each) => each.revision === revision);
    const ready = this.replayReady(lane);
    if (replay !== undefined) {
      if (ready === replay) return "ready";
      return this.nextOfReplay(lane) === replay ? "later" : "over"; // it is read, or waits for its retry, or behind another
    }
    if (ready !== undefined) return "ready"; // the lane is read on once that is over
    const first = lane.queue.first()?.revision;
    if (lane.next > revision || (first !== undefined && first > revision) || !lane.detached || !this.mayRunLive(lane)) return "over";
    return first === undefined ? "later" : "live";
  }

  stateOf(lane: Lane): LaneState {
    if (lane.paused) return "paused";
    if (lane.blockedBy !== null || this.#isBlockedByLetter(lane)) return "blocked";
    if (lane.dueMs !== null) return "backing_off";
    return lane.detached ? "behind" : "flowing";
  }

  #isBlockedByLetter(lane: Lane): boolean {
    return this.#isStrict && lane.letters.size > 0;
  }
}
