/** What the journal is told of a delivery, and what follows from it for its lane. */
import type { JournalData } from "../../records/journal.ts";
import type { Delivery } from "./delivery.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneMoves } from "./lane-moves.ts";
import type { PartitionOptions } from "./options.ts";
import type { Parts } from "./parts.ts";
import { type DeliveryPointer, type EventPointer, partOf, pointerTo } from "./pointer.ts";
import type { Recorder } from "./recorder.ts";
import type { Verdict } from "./verdict.ts";

export interface FactsNeeds {
  readonly book: LaneBook;
  readonly moves: LaneMoves;
  readonly parts: Parts;
  readonly recorder: Recorder;
}

export class Facts {
  readonly #chainFingerprint: PartitionOptions["chainFingerprint"];
  readonly #book: LaneBook;
  readonly #moves: LaneMoves;
  readonly #parts: Parts;
  readonly #recorder: Recorder;

  constructor({ chainFingerprint }: Pick<PartitionOptions, "chainFingerprint">, { book, moves, parts, recorder }: FactsNeeds) {
    this.#chainFingerprint = chainFingerprint;
    this.#book = book;
    this.#moves = moves;
    this.#parts = parts;
    this.#recorder = recorder;
  }

  /** It is about to be called. */
  started({ lane, event, attempt, replay }: Delivery, alone: boolean): void {
    const byReplay = replay ? { replayId: replay.replayId } : {};
    this.#recorder.fact({ type: "delivery.started", data: { ...pointerTo(lane, event), attempt, alone, ...byReplay } });
  }

  /** It failed, or was put off, and is called again later. */
  waits({ lane, event, part }: Delivery, verdict: Extract<Verdict, { kind: "retry" | "defer" }>): void {
    const { record, retryAt, deferrals } = verdict;
    const delivery = { ...pointerTo(lane, event), ...partOf({ part }) };
    const deferred = deferrals && { deferred: deferrals };
    if (verdict.kind === "retry") this.#recorder.fact({ type: "delivery.failed", data: { ...delivery, record, retryAt, ...deferred } });
    else this.#recorder.fact({ type: "delivery.deferred", data: { ...delivery, record, until: retryAt, ...deferred } });
  }

  /** It has a final outcome: a dead letter leaves the lane, another event is passed. */
  settled(lane: Lane, event: EventPointer, settled: Omit<JournalData["delivery.settled"], keyof DeliveryPointer | "before">): void {
    const letter = lane.letters.get(event.revision);
    const before = letter && { before: letter.escalated ? ("escalated" as const) : ("dead_lettered" as const) };
    this.#recorder.fact({ type: "delivery.settled", data: { ...pointerTo(lane, event), ...before, ...settled } });
    this.#parts.forget(lane.stream, event.revision);
    if (!this.#book.removeLetter(lane, event.revision)) this.#moves.advance(lane, event.revision + 1, event.position);
  }

  /** No other attempt comes. */
  gaveUp({ lane, event, attempt, round, replay, part }: Delivery, { cause, error, record, becomes }: Extract<Verdict, { kind: "give_up" }>): void {
    this.deadLettered(lane, event, {
      attempts: attempt,
      retryCount: round + 1,
      cause,
      error,
      escalated: becomes === "escalate",
      record,
      ...partOf({ part }),
      ...(replay ? { replayId: replay.replayId } : {}),
    });
  }

  deadLettered(
    lane: Lane,
    event: EventPointer & { readonly type?: string },
    letter: Omit<JournalData["delivery.dead_lettered"], keyof DeliveryPointer | "chain">,
  ): void {
    const chain = event.type === undefined ? "" : this.#chainFingerprint(event.type);
    this.#recorder.fact({ type: "delivery.dead_lettered", data: { ...pointerTo(lane, event), chain, ...letter } });
    this.#moves.putLetter(lane, event, letter);
  }
}
