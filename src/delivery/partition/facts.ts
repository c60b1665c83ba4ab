/** What the journal is told of a delivery, and what follows from it for its lane. */
import type { Act } from "../../records/act.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { JournalData } from "../../records/journal.ts";
import { type DecisionTimes, defaultTimes } from "../policy/decision-times.ts";
import type { Delivery } from "./delivery.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneMoves } from "./lane-moves.ts";
import { attemptOf, type LetterReplay, stateOf } from "./letter.ts";
import { escalatedNow } from "./open-decision.ts";
import type { OpenDecisions } from "./open-decisions.ts";
import type { PartitionOptions } from "./options.ts";
import type { Parts } from "./parts.ts";
import { type DeliveryPointer, type FailedEvent, partOf, pointerTo, storedAs } from "./pointer.ts";
import type { Recorder } from "./recorder.ts";
import type { Verdict } from "./verdict.ts";

export interface FactsNeeds {
  readonly book: LaneBook;
  readonly moves: LaneMoves;
  readonly open: OpenDecisions;
  readonly parts: Parts;
  readonly recorder: Recorder;
}

interface ReplayedNow {
  readonly act: Act;
  readonly record: AttemptRecord | null;
  /** Up to where the lane's live deliveries stay on the replay's pace; null: they do not. */
  readonly paceThrough: number | null;
}

export class Facts {
  readonly #chainFingerprint: PartitionOptions["chainFingerprint"];
  readonly #times: DecisionTimes;
  readonly #book: LaneBook;
  readonly #moves: LaneMoves;
  readonly #open: OpenDecisions;
  readonly #parts: Parts;
  readonly #recorder: Recorder;

  constructor(
    { chainFingerprint, decisions = defaultTimes }: Pick<PartitionOptions, "chainFingerprint" | "decisions">,
    { book, moves, open, parts, recorder }: FactsNeeds,
  ) {
    this.#chainFingerprint = chainFingerprint;
    this.#times = decisions;
    this.#book = book;
    this.#moves = moves;
    this.#open = open;
    this.#parts = parts;
    this.#recorder = recorder;
  }

  /** It is called once that is on record. @param byItself that takes an event of its own, which each build that may take over reads. */
  intended(delivery: Delivery, { alone, byItself }: { readonly alone: boolean; readonly byItself: boolean }): void {
    if (byItself) this.started(delivery, alone);
    const { lane, revision, at, eventId } = pointerTo(delivery.lane, delivery.event);
    this.#recorder.intend(delivery, byItself ? null : [lane, revision, at, eventId, delivery.attempt, delivery.replay?.replayId ?? null]);
  }

  /** The dead letter is called once it has a slot, and once that is on record. */
  startsNext(lane: Lane, replay: LetterReplay): void {
    const { lane: stream, revision, at, eventId } = pointerTo(lane, replay.event!);
    this.#recorder.intend(null, [stream, revision, at, eventId, attemptOf(lane, replay), replay.replayId]);
  }

  /** It is about to be called, or is called already. */
  started({ lane, event, attempt, replay }: Delivery, alone: boolean): void {
    const byReplay = replay ? { replayId: replay.replayId } : {};
    this.#recorder.fact({ type: "delivery.started", data: { ...pointerTo(lane, event), attempt, alone, ...byReplay } });
  }

  /** It failed, or was put off, and is called again later. */
  waits({ lane, event, part }: Delivery, verdict: Extract<Verdict, { kind: "retry" | "defer" }>): void {
    const { record, retryAt, deferrals } = verdict;
    const delivery = { ...pointerTo(lane, event), ...partOf({ part }) };
    const deferred = deferrals && { deferred: deferrals };
    if (verdict.kind === "retry") this.#recorder.fact({ type: "delivery.failed", data: { ...delivery, ...storedAs(event), record, retryAt, ...deferred } });
    else this.#recorder.fact({ type: "delivery.deferred", data: { ...delivery, record, until: retryAt, ...deferred } });
  }

  /** It has a final outcome: a dead letter leaves the lane, another event is passed. */
  settled(lane: Lane, event: FailedEvent, settled: Omit<JournalData["delivery.settled"], keyof DeliveryPointer | "before">): void {
    const letter = lane.letters.get(event.revision);
    const before = letter && { before: stateOf(letter) };
    const stored = settled.record?.outcome === "failed" ? storedAs(event) : {};
    this.#recorder.fact({ type: "delivery.settled", data: { ...pointerTo(lane, event), ...stored, ...before, ...settled } });
    this.#passed(lane, event);
  }

  /** The dead letter was delivered. */
  replayed(lane: Lane, event: FailedEvent, { act, record, paceThrough }: ReplayedNow): void {
    const { lane: stream, revision, at, eventId } = pointerTo(lane, event);
    const letter = [stream, revision, at, eventId, stateOf(lane.letters.get(revision)!), record, paceThrough] as const;
    this.#recorder.fact({ type: "letters.replayed", data: { act, letters: [letter] } });
    this.#passed(lane, event);
  }

  #passed(lane: Lane, event: FailedEvent): void {
    this.#parts.forget(lane.stream, event.revision);
    if (!this.#book.removeLetter(lane, event.revision)) this.#moves.advance(lane, event.revision + 1, event.position);
  }

  /** No other attempt comes. */
  gaveUp({ lane, event, attempt, round, replay, part }: Delivery, verdict: Extract<Verdict, { kind: "give_up" }>): void {
    const { cause, error, record } = verdict;
    const uncalled = record === null;
    this.deadLettered(lane, event, {
      attempts: uncalled ? attempt - 1 : attempt,
      retryCount: uncalled ? round : round + 1,
      cause,
      error,
      ...(verdict.becomes === "escalate" ? escalatedNow(this.#times, verdict) : { escalated: false }),
      record,
      ...partOf({ part }),
      ...(replay ? { replayId: replay.replayId } : {}),
    });
  }

  deadLettered(lane: Lane, event: FailedEvent, letter: Omit<JournalData["delivery.dead_lettered"], keyof DeliveryPointer | "chain">): void {
    const chain = event.type === undefined ? "" : this.#chainFingerprint(event.type);
    this.#recorder.fact({ type: "delivery.dead_lettered", data: { ...pointerTo(lane, event), ...storedAs(event), chain, ...letter } });
    this.#moves.putLetter(lane, event, letter);
    const { decision } = lane.letters.get(event.revision)!;
    if (decision === null) return;
    this.#open.add({ lane, revision: event.revision, decision }, decision.dueAt === null ? null : decision.dueInMs);
    this.#open.notice({ stream: lane.stream, revision: event.revision, eventId: event.id, part: decision.part, stage: "opened", dueAt: decision.dueAt });
  }
}
