import type { Position, Priority } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import type { Deferrals } from "../../records/attempt.ts";
import type { LaneBlock } from "../../records/lane-state.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { Delivery } from "./delivery.ts";
import { EventQueue } from "./event-queue.ts";
import type { LaneLoan } from "./lane-loan.ts";
import type { Letter, LetterReplay } from "./letter.ts";
import type { Schedulable } from "./ready-lanes.ts";

/** A lane's place in a replay's pace. */
export interface Turn {
  readonly replayId: string;
  granted: boolean;
}

/** Events of one reading of a detached lane, and outcomes of it that may wait for their record: as many are suspects after a crash. */
export const laneBatch = 64;
/** Everything that the checkpoint has passed is done, and the subscription will say what comes next. */
export const unknownNext = -1;

// Most lanes have none of these, and a log may have a million lanes.
const none: readonly never[] = [];
const noLetters: ReadonlyMap<number, Letter> = new Map();

/** What the journal knows of a lane: where it stands, and what keeps it there. */
class RecordedLane {
  readonly stream: string;
  readonly tenant: string;
  /** First revision that is not done, dead letters apart; `unknownNext` while the lane exists only for a loan, or for an operator's act. */
  next: number;
  /** Position of the last event that is done. */
  at: Position;
  /** It is fed by its own stream; otherwise by the subscription. Never by both. */
  detached = false;
  /** Why the event at `next` cannot be delivered by this build; null: it can. */
  blockedBy: LaneBlock | null = null;
  /** By an operator: nothing of it starts. */
  paused = false;
  #letters: Map<number, Letter> | null = null;
  /** Failed calls of the event at `next`. */
  attempts = 0;
  deferred: Deferrals = noDeferrals;
  /** The event at `next` has a failed or a deferred call on record: its completion is told in full. */
  troubled = false;
  /** Monotonic time before which the event at `next` is not due; null: it is due. */
  dueMs: number | null = null;
  /** Its live deliveries up to `through` stay on the pace of the replay that released them. */
  pace: { readonly replayId: string; readonly through: number } | null = null;

  constructor(stream: string, next: number, tenant = parseStreamName(stream)?.tenant ?? "") {
    this.stream = stream;
    this.tenant = tenant;
    this.next = next;
    this.at = 0n;
  }

  get letters(): ReadonlyMap<number, Letter> {
    return this.#letters ?? noLetters;
  }

  putLetter(revision: number, letter: Letter): void {
    this.#letters ??= new Map();
    this.#letters.set(revision, letter);
  }

  /** @returns whether there was one. */
  removeLetter(revision: number): boolean {
    return this.#letters?.delete(revision) ?? false;
  }
}

/** The deliveries of one entity for one handler, in order, one at a time. */
export class Lane extends RecordedLane implements Schedulable {
  /** Wanted events in order, the first at or above `next`. */
  readonly queue = new EventQueue();
  /** Highest revision that the subscription brought while the lane was detached. */
  seen = -1;
  /** Last revision of the stream that the queue's reading covered. */
  readThrough = -1;
  reading = false;
  running: Delivery | null = null;
  /** Its dead letters that are delivered again, in revision order. */
  replays: readonly LetterReplay[] = none;
  /** The first one has the lane. */
  loans: readonly LaneLoan[] = none;
  turn: Turn | null = null;
  failing = false;
  queued = false;
  /** Operators' acts that look at its stream meanwhile: it is not forgotten. */
  pins = 0;
  /** Acts whose records are under way: nothing of it starts before they are stored, or refused. */
  acts = 0;
  /** Events up to here may have been under way when the process died: their calls are recorded first. */
  suspectThrough = -1;
  /** Events up to here may have been called before this process had them, after a clean stop too: a call that was abandoned leaves no record. */
  doubtThrough = -1;
  /** Number of the flush that records the lane's last outcome, and how many outcomes wait for it. */
  recordedIn = 0;
  unflushed = 0;
  /** Number of the flush that records where the lane's `next` moved to last. */
  movedIn = 0;

  /** Forgets what was read of its stream: the queue is read again from `next` on. */
  dropQueue(): void {
    this.queue.clear();
    this.readThrough = -1;
  }

  addReplay(replay: LetterReplay): void {
    this.replays = [...this.replays, replay].sort((a, b) => a.revision - b.revision);
  }

  removeReplay(replay: LetterReplay): void {
    this.replays = this.replays.filter((each) => each !== replay);
  }

  addLoan(loan: LaneLoan): void {
    this.loans = [...this.loans, loan];
  }

  removeLoan(loan: LaneLoan): void {
    this.loans = this.loans.filter((each) => each !== loan);
  }

  priority(): Priority {
    return (this.loans[0]?.call?.event ?? this.replays[0]?.event ?? this.queue.first())?.metadata.priority ?? "normal";
  }
}
