/** What comes in: events of the subscription, and what was read of a detached lane's own stream. */
import { aboutBytes } from "../../event/about-bytes.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import type { LaneGap } from "../../records/journal.ts";
import type { Agenda } from "./agenda.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { type Lane, laneBatch, makeLane, unknownNext } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneLoan, LoanedCall } from "./lane-loan.ts";
import type { LaneMoves } from "./lane-moves.ts";
import type { LetterReplay } from "./letter.ts";
import type { PartitionOptions } from "./options.ts";
import type { Readiness } from "./readiness.ts";
import type { Recorder } from "./recorder.ts";
import { endReplay } from "./replay-ends.ts";
import type { WakeUps } from "./wake-ups.ts";

/** A node of a cluster that lags behind is asked again after this. */
const staleReadMs = 50;
/** Lanes that wait for slots hold so many times the events of a read-ahead: with one time as many, short readings took 2.5 times the processor. */
const lanesAhead = 8;

export interface ReadingNeeds {
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly checkpoint: Checkpoint;
  readonly moves: LaneMoves;
  readonly readiness: Readiness;
  readonly recorder: Recorder;
  readonly wakeUps: WakeUps<Lane>;
}

export interface ToRead {
  readonly lane: Lane;
  readonly from: number;
  readonly replay: LetterReplay | null;
  readonly loan: LaneLoan | null;
}

export class Reading {
  readonly #options: Pick<PartitionOptions, "wanted" | "limits">;
  readonly #agenda: Agenda;
  readonly #book: LaneBook;
  readonly #checkpoint: Checkpoint;
  readonly #moves: LaneMoves;
  readonly #readiness: Readiness;
  readonly #recorder: Recorder;
  readonly #wakeUps: WakeUps<Lane>;
  /** So many of the first events may have been under way when the process died, and so many may have been called before. */
  #suspectsLeft: number;
  #doubtsLeft: number;
  /** About, of the events that lanes read lately. */
  #eventBytes = 0;

  constructor(
    options: Pick<PartitionOptions, "wanted" | "limits">,
    { unclean, readAhead }: { readonly unclean: boolean; readonly readAhead: number },
    { agenda, book, checkpoint, moves, readiness, recorder, wakeUps }: ReadingNeeds,
  ) {
    this.#options = options;
    this.#suspectsLeft = unclean ? readAhead : 0;
    this.#doubtsLeft = readAhead;
    this.#agenda = agenda;
    this.#book = book;
    this.#checkpoint = checkpoint;
    this.#moves = moves;
    this.#readiness = readiness;
    this.#recorder = recorder;
    this.#wakeUps = wakeUps;
  }

  /** Puts an event of the subscription into its lane. In log order. */
  offer(event: StoredEvent, bytes = 0): void {
    if (!this.#checkpoint.lookAt(event.position)) return;
    let lane = this.#book.get(event.stream);
    if (!this.#options.wanted.has(event, lane !== undefined)) {
      this.#checkpoint.passForeign();
      return;
    }
    if (lane?.detached) {
      lane.seen = Math.max(lane.seen, event.revision);
      return;
    }
    if (lane === undefined) lane = this.#book.add(makeLane(event.stream, event.revision, event.tenant));
    else if (lane.next === unknownNext) lane.next = event.revision;
    else if (event.revision < lane.next) return;
    if (lane.queue.length >= this.#options.limits.laneQueueEvents) {
      this.#moves.detach(lane, "full");
      lane.seen = Math.max(lane.seen, event.revision);
    } else {
      this.#mark(lane, event.revision);
      lane.queue.push(event);
      this.#checkpoint.offer(lane, event.revision, event.position, bytes);
    }
    this.#agenda.refresh(lane);
  }

  #mark(lane: Lane, revision: number): void {
    if (this.#suspectsLeft > 0) {
      this.#suspectsLeft--;
      lane.suspectThrough = revision;
    }
    if (this.#doubtsLeft > 0) {
      this.#doubtsLeft--;
      lane.doubtThrough = revision;
    }
  }

  /** Where a subscription goes on. */
  position(): Position {
    return this.#checkpoint.scanned;
  }

  /** The subscription looked at everything up to `position`. */
  scanned(position: Position): void {
    if (this.#checkpoint.lookAt(position)) this.#checkpoint.passForeign();
  }

  /** Whether the subscription may bring more: read-ahead beyond the recorded checkpoint and the number of recorded lanes are bounded. */
  hasRoom(): boolean {
    const { readAheadEvents, readAheadBytes } = this.#options.limits;
    return this.#checkpoint.readAhead() < readAheadEvents && this.#checkpoint.bytes() < readAheadBytes && !this.#recorder.isFull() && !this.tooManyLanes();
  }

  tooManyLanes(): boolean {
    return this.#book.recorded >= this.#options.limits.recordedLanes;
  }

  /**
   * How many events one reading of a lane's stream brings: the more lanes wait for slots, the fewer. A slow handler may have 100,000 lanes behind, and with 64
   * events of 1 KB each, 4,000 of them took 420 MB.
   */
  eventsOfLane(): number {
    const { readAheadEvents, readAheadBytes } = this.#options.limits;
    const ofAll = Math.min(lanesAhead * readAheadEvents, readAheadBytes / this.#eventBytes);
    return Math.max(1, Math.min(laneBatch, Math.floor(ofAll / (1 + this.#agenda.readyLanes))));
  }

  /**
   * A lane whose stream has to be read, or the event of what a replay delivers there: of a letter, or of a loan's call. Undefined when there is none.
   * Answer with `laneRead`, `letterRead`, `loanRead` or `failed`.
   *
   * @param mayBe of replays; null: all of them.
   */
  next(mayBe: ((replayId: string) => boolean) | null = null): ToRead | undefined {
    if (this.#recorder.isFull()) return undefined;
    const lane = this.#agenda.nextToRead(
      mayBe &&
        ((each) => {
          const wanted = this.#readiness.toRead(each);
          return wanted === undefined || mayBe(wanted.replayId);
        }),
    );
    if (lane === undefined) return undefined;
    const wanted = this.#readiness.toRead(lane);
    lane.reading = true;
    if (wanted === undefined) return { lane, from: lane.next, replay: null, loan: null };
    if ("call" in wanted) return { lane, from: wanted.call!.revision, replay: null, loan: wanted };
    return { lane, from: wanted.revision, replay: wanted, loan: null };
  }

  /**
   * Events of a detached lane's own stream, in order from `lane.next` on, as far as one batch went.
   *
   * @param head revision of the stream's last event, read *before* the events: what is missing below it is a hole.
   * @param archivedBefore of a hole, the revisions below this one are in the archive.
   */
  laneRead(lane: Lane, events: readonly StoredEvent[], head: number, monotonicMs: number, archivedBefore = 0): void {
    lane.reading = false;
    if (this.#takesNoEvents(lane)) {
      this.#agenda.refresh(lane);
      return;
    }
    const first = events[0];
    if (first !== undefined) this.#eventBytes += (aboutBytes(first.data) - this.#eventBytes) * (this.#eventBytes === 0 ? 1 : 1 / 16);
    if (first === undefined && head < lane.next) {
      if (lane.next > lane.seen) {
        this.#moves.attach(lane);
        this.#agenda.refresh(lane);
      } else this.#wakeUps.add(monotonicMs + staleReadMs, lane); // a stale read: the subscription brought more than this
      return;
    }
    if (first === undefined || first.revision > lane.next) {
      const end = first?.revision ?? head + 1;
      this.#gap(lane, Math.min(archivedBefore, end), "archived");
      this.#gap(lane, end, first === undefined ? "truncated" : "missing");
    }
    for (const event of events) {
      if (event.revision !== Math.max(lane.readThrough + 1, lane.next)) break; // a hole: the lane meets it again when that revision is next
      lane.readThrough = event.revision;
      if (this.#options.wanted.has(event, true)) lane.queue.push(event);
    }
    if (lane.queue.length === 0) this.#moves.passUnwanted(lane);
    this.#agenda.refresh(lane);
  }

  #gap(lane: Lane, end: number, why: LaneGap): void {
    if (end <= lane.next) return;
    this.#recorder.fact({ type: "lane.gap", data: { lane: lane.stream, from: lane.next, to: end - 1, why } });
    this.#moves.advance(lane, end, lane.at);
  }

  /** Whether the lane has changed since it was to be read, so that the events are of no use. */
  #takesNoEvents(lane: Lane): boolean {
    const { detached, running, queue } = lane;
    return !detached || running !== null || this.#readiness.loanOf(lane) !== undefined || queue.length > 0 || !this.#readiness.mayRunLive(lane);
  }

  /** The event of a letter that is replayed; null when the log has it no more. */
  letterRead(lane: Lane, replay: LetterReplay, event: StoredEvent | null): void {
    lane.reading = false;
    if (event === null) endReplay(this.#recorder, lane, replay, { outcome: "skipped", reason: "event removed from the log" });
    else replay.event = event;
    this.#agenda.refresh(lane);
  }

  /** The event of a loan's call, unless that was taken back meanwhile. */
  loanRead(loan: LaneLoan, call: LoanedCall, event: StoredEvent): void {
    loan.lane.reading = false;
    if (loan.call === call) loan.event = event;
    this.#agenda.refresh(loan.lane);
  }

  /** The reading failed: the lane is read again later. */
  failed(lane: Lane): void {
    lane.reading = false;
    this.#agenda.refresh(lane);
  }
}
