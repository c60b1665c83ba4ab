/** What operators do with a lane as a whole, and how every act on a lane begins and ends. */
import { RepriseError } from "../../errors.ts";
import type { Act } from "../../records/act.ts";
import type { Agenda } from "./agenda.ts";
import { dropQueue, type Lane, unknownNext } from "./lane.ts";
import type { LaneAct } from "./lane-act.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneMoves } from "./lane-moves.ts";
import type { Readiness } from "./readiness.ts";

export interface LaneActsNeeds {
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly moves: LaneMoves;
  readonly readiness: Readiness;
}

export class LaneActs {
  readonly #agenda: Agenda;
  readonly #book: LaneBook;
  readonly #moves: LaneMoves;
  readonly #readiness: Readiness;

  constructor({ agenda, book, moves, readiness }: LaneActsNeeds) {
    this.#agenda = agenda;
    this.#book = book;
    this.#moves = moves;
    this.#readiness = readiness;
  }

  /** Nothing of an act's lane starts from here to `end`. An act that is taken with a flush needs neither. */
  begin({ lane }: LaneAct): void {
    lane.acts++;
  }

  /** @param at revision of its record: it is done now. Null: it is refused, and never done. */
  end({ lane, apply }: LaneAct, at: number | null): void {
    lane.acts--;
    if (at !== null) apply(at);
    this.#book.letGo(lane);
    this.#agenda.refresh(lane);
  }

  /** The lane for an operator's act, kept until `unpin`. One whose `next` is not known has to be told what is done when it is paused. */
  pin(stream: string): Lane {
    const lane = this.#book.open(stream);
    this.#book.pin(lane);
    return lane;
  }

  unpin(lane: Lane): void {
    this.#book.unpin(lane);
  }

  /**
   * Keeps everything of a pinned lane from starting. What is under way ends as it does.
   *
   * @param doneThrough last revision of the stream at or below `reading.position()` when the lane was pinned (−1: none): all of it is done when the lane's `next` is not known.
   */
  pause(lane: Lane, act: Act, doneThrough: number): LaneAct {
    const next = lane.next === unknownNext ? doneThrough + 1 : lane.next;
    return {
      lane,
      revision: null,
      event: { type: "lane.paused", data: { lane: lane.stream, next, at: lane.at.toString(), before: this.#readiness.stateOf(lane), act } },
      apply: () => {
        if (lane.next === unknownNext) lane.next = next;
        this.#moves.leaveSubscription(lane);
        dropQueue(lane);
        lane.paused = true;
      },
    };
  }

  /** The lane goes on where it was. @throws NOT_PAUSED */
  resume(stream: string, act: Act): LaneAct {
    const lane = this.#book.get(stream);
    if (!lane?.paused) throw new RepriseError("NOT_PAUSED", "The lane is not paused.");
    return {
      lane,
      revision: null,
      event: { type: "lane.resumed", data: { lane: stream, act } },
      apply: () => {
        lane.paused = false;
      },
    };
  }

  /** What waits for a retry is due now: the event at `next`, or a dead letter's replay. @throws LANE_PAUSED, NOT_BACKING_OFF */
  retryNow(stream: string, act: Act): LaneAct {
    const lane = this.#book.get(stream);
    if (lane?.paused) throw new RepriseError("LANE_PAUSED", "The lane is paused: it retries when it is resumed.");
    if (lane === undefined || (lane.dueMs === null && lane.replays.every(({ dueMs }) => dueMs === null)))
      throw new RepriseError("NOT_BACKING_OFF", "The lane does not wait for a retry.");
    const { dueMs } = lane;
    const waiting = new Map(lane.replays.map((replay) => [replay, replay.dueMs]));
    return {
      lane,
      revision: null,
      event: { type: "lane.retried", data: { lane: stream, act } },
      apply: () => {
        // What failed again meanwhile has a wait of its own.
        if (lane.dueMs === dueMs) lane.dueMs = null;
        for (const replay of lane.replays) if (replay.dueMs === waiting.get(replay)) replay.dueMs = null;
      },
    };
  }
}
