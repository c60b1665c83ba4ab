/** How a lane moves on, leaves the subscription and comes back to it. Whoever moves a lane tells the agenda afterwards. */
import type { Position } from "../../event/event.ts";
import type { JournalData } from "../../records/journal.ts";
import type { LaneBlock } from "../../records/lane-state.ts";
import { dropQueue, type Lane, putLetter } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import { letterOf, moveOn, paceIsOver } from "./lane-standing.ts";
import type { Letter } from "./letter.ts";
import type { Escalated } from "./open-decision.ts";
import type { PartitionOptions } from "./options.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { EventPointer } from "./pointer.ts";
import type { Recorder } from "./recorder.ts";

export class LaneMoves {
  readonly #isRelaxed: boolean;
  readonly #book: LaneBook;
  readonly #paced: PacedLanes;
  readonly #recorder: Recorder;

  constructor({ ordering }: Pick<PartitionOptions, "ordering">, book: LaneBook, paced: PacedLanes, recorder: Recorder) {
    this.#isRelaxed = ordering === "relaxed";
    this.#book = book;
    this.#paced = paced;
    this.#recorder = recorder;
  }

  /** Everything before `next` is done. */
  advance(lane: Lane, next: number, at: Position): void {
    if (moveOn(lane, next, at)) {
      lane.troubled = false;
      lane.dueMs = null;
      if (paceIsOver(lane)) this.#paced.follow(lane, null);
    }
    this.#recorder.moved(lane);
  }

  /** Events that the last reading found and nobody wants need no outcome: the lane passes those behind the last wanted one. */
  passUnwanted(lane: Lane): void {
    if (lane.readThrough >= lane.next) this.advance(lane, lane.readThrough + 1, lane.at);
  }

  /** From now on its own stream feeds the lane, and the checkpoint passes it. */
  leaveSubscription(lane: Lane): void {
    if (lane.detached) return;
    this.#book.setDetached(lane, true);
    lane.seen = Math.max(lane.seen, lane.running?.event.revision ?? -1, lane.queue.last()?.revision ?? -1);
    dropQueue(lane);
  }

  /** The same, on record. */
  detach(lane: Lane, why: JournalData["lane.detached"]["why"]): void {
    this.leaveSubscription(lane);
    this.#recorder.fact({ type: "lane.detached", data: { lane: lane.stream, next: lane.next, at: lane.at.toString(), why } });
  }

  /** The subscription feeds the lane again. Its last read was empty, and everything that the subscription brought meanwhile is done. */
  attach(lane: Lane): void {
    this.#book.setDetached(lane, false);
    lane.seen = -1;
    lane.readThrough = -1;
    this.#paced.follow(lane, null);
    this.#recorder.fact({ type: "lane.attached", data: { lane: lane.stream, at: lane.at.toString() } });
    this.#recorder.moved(lane);
  }

  /** The event at `next` stays where it is until another build, or a mended log, is there. */
  block(lane: Lane, block: { readonly why: LaneBlock; readonly detail?: string }): void {
    lane.blockedBy = block.why;
    this.leaveSubscription(lane);
    dropQueue(lane);
    this.#recorder.fact({ type: "lane.detached", data: { lane: lane.stream, next: lane.next, at: lane.at.toString(), ...block } });
  }

  /** The event is a dead letter, a new one or an old one with more attempts. The caller records it. */
  putLetter(lane: Lane, event: EventPointer, calls: Pick<Letter, "attempts"> & Escalated): void {
    this.leaveSubscription(lane);
    const goesOn = this.#isRelaxed && (lane.queue.first()?.revision ?? event.revision + 1) > event.revision;
    if (!goesOn) dropQueue(lane); // a relaxed lane keeps what comes behind the letter
    putLetter(lane, event.revision, letterOf(lane, event, calls));
    if (event.revision >= lane.next) this.advance(lane, event.revision + 1, event.position);
    this.#paced.follow(lane, null); // the lane stands still: whoever releases it says at which pace
  }
}
