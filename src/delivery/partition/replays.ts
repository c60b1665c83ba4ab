/** Replays of dead letters, as their lanes see them, and the paces of all replays. */
import { RepriseError } from "../../errors.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { Agenda } from "./agenda.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { Letter, LetterReplay, LetterReplayTerms, Withdrawal } from "./letter.ts";
import type { Letters } from "./letters.ts";
import type { Pace } from "./pace.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { Recorder } from "./recorder.ts";
import { leaveReplay } from "./replay-ends.ts";
import type { Suspects } from "./suspects.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface ReplaysNeeds {
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly letters: Letters;
  readonly paced: PacedLanes;
  readonly recorder: Recorder;
  readonly suspects: Suspects;
  readonly wakeUps: WakeUps<Lane>;
}

/** Replays that are known to have been taken back. */
const keptWithdrawals = 1000;

export class Replays {
  readonly #agenda: Agenda;
  readonly #book: LaneBook;
  readonly #letters: Letters;
  readonly #paced: PacedLanes;
  readonly #recorder: Recorder;
  readonly #suspects: Suspects;
  readonly #wakeUps: WakeUps<Lane>;
  /** The oldest first. */
  readonly #withdrawals = new Map<string, number>();

  constructor({ agenda, book, letters, paced, recorder, suspects, wakeUps }: ReplaysNeeds) {
    this.#agenda = agenda;
    this.#book = book;
    this.#letters = letters;
    this.#paced = paced;
    this.#recorder = recorder;
    this.#suspects = suspects;
    this.#wakeUps = wakeUps;
  }

  /** Delivers a dead letter again. Its end comes with the flush that records it. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST, LANE_PAUSED */
  begin(stream: string, revision: number, terms: LetterReplayTerms): LetterReplay {
    const { lane, letter } = this.#letters.mayReplay(stream, revision);
    if (lane.paused) throw new RepriseError("LANE_PAUSED", "The entity is paused for this handler.");
    return this.#begin(lane, letter, { revision, ...terms });
  }

  /** The same replay of a dead letter, which somebody else has begun. */
  underWay(stream: string, revision: number, replayId: string): LetterReplay | undefined {
    return this.#book.get(stream)?.replays.find((each) => each.revision === revision && each.replayId === replayId);
  }

  /** Its runner has a turn for its next call. */
  goOn(stream: string, replay: LetterReplay, turnByTurn: boolean): void {
    replay.turn = turnByTurn ? "taken" : null;
    const lane = this.#book.get(stream);
    if (lane !== undefined) this.#agenda.refresh(lane);
  }

  /** How often a replay was taken back here; what was asked for before that is not to begin any more. Infinity: nothing of it begins again. */
  withdrawals(replayId: string): number {
    return this.#withdrawals.get(replayId) ?? 0;
  }

  /** Delivers a dead letter that a person has approved, once nothing keeps its lane. */
  run(lane: Lane, revision: number): void {
    const letter = lane.letters.get(revision);
    if (!letter?.approval?.isDue) return;
    const { id, actor, reason } = letter.approval;
    this.#begin(lane, letter, { revision, replayId: id, actor, reason });
  }

  #begin(lane: Lane, letter: Letter, { turnByTurn = false, ...terms }: LetterReplayTerms & Pick<LetterReplay, "revision">): LetterReplay {
    const { revision } = terms;
    const before = letter.replay?.replayId === terms.replayId ? letter.replay : null;
    const replay: LetterReplay = {
      effects: "once",
      through: null,
      startsAhead: false,
      ...terms,
      leaving: null,
      turn: turnByTurn ? "taken" : null,
      event: null,
      dueMs: before?.dueMs ?? null,
      failed: before?.failed ?? 0,
      deferred: before?.deferred ?? noDeferrals,
      startIn: null,
    };
    if (replay.dueMs !== null) this.#wakeUps.add(replay.dueMs, lane);
    if (letter.suspect) {
      this.#suspects.add(lane, { revision, ends: letter.suspect, loan: null });
      letter.suspect = null;
    }
    lane.replays = [...lane.replays, replay].sort((a, b) => a.revision - b.revision);
    this.#agenda.refresh(lane);
    return replay;
  }

  /**
   * Takes back what a replay began and what does not run. `stop`: nothing of it starts here any more, which the next flush records, and the lanes that
   * follow it are like any other. What runs ends by itself, and is not tried again.
   *
   * @returns what still has an end to come.
   */
  withdraw(replayId: string, how: Withdrawal): readonly LetterReplay[] {
    const left: LetterReplay[] = [];
    this.#note(replayId, how === "stop" ? Number.POSITIVE_INFINITY : this.withdrawals(replayId) + 1);
    for (const lane of this.#book.all())
      for (const replay of lane.replays.filter((each) => each.replayId === replayId)) {
        if (lane.running?.replay === replay && !lane.running.concluded) replay.leaving = how;
        else leaveReplay(this.#recorder, lane, replay, how);
        left.push(replay);
        this.#agenda.refresh(lane);
      }
    if (how === "stop") {
      this.#release(replayId);
      this.#recorder.fact({ type: "replay.stopped", data: { replayId } });
    }
    return left;
  }

  #note(replayId: string, withdrawals: number): void {
    this.#withdrawals.delete(replayId);
    this.#withdrawals.set(replayId, withdrawals);
    for (const oldest of this.#withdrawals.keys()) if (this.#withdrawals.size > keptWithdrawals) this.#withdrawals.delete(oldest);
  }

  /**
   * Says at which pace a replay's letters, loans and followers start: from now on they wait for its turns. Null: it is over, and what is left of it
   * starts like anything else.
   */
  pace(replayId: string, pace: Pace | null): void {
    const left = this.#paced.set(replayId, pace);
    if (pace === null) this.#release(replayId);
    for (const lane of left) this.#agenda.refresh(lane);
  }

  /** Lanes whose live deliveries are still on the replay's pace. */
  followers(replayId: string): number {
    return this.#paced.followers(replayId).length;
  }

  /** Events that those lanes have still to pass, whether the handler wants them or not. */
  releasesLeft(replayId: string): number {
    return this.#paced.followers(replayId).reduce((sum, { pace, next }) => sum + Math.max(0, (pace?.through ?? 0) + 1 - next), 0);
  }

  /** Replays that lanes have been waiting for since the start, and whose pace nobody has told yet. */
  unknownPaces(): readonly string[] {
    return this.#paced.unknown();
  }

  #release(replayId: string): void {
    for (const lane of this.#paced.followers(replayId)) {
      this.#paced.follow(lane, null);
      this.#paced.used(lane);
      this.#agenda.refresh(lane);
    }
  }
}
