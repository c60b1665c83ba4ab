import type { Position, Priority, StoredEvent } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import type { Deferrals, Ends } from "../../records/attempt.ts";
import type { LaneBlock } from "../../records/lane-state.ts";
import type { AmendmentPointer } from "../../records/snapshot.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { ReplayMode, ReplayOfCall } from "../replay-mode.ts";
import { EventQueue } from "./event-queue.ts";
import type { Schedulable } from "./ready-lanes.ts";

/** Why a replay takes back what it began. */
export type Withdrawal = "pause" | "stop";

/** A lane's place in a replay's pace. */
export interface Turn {
  readonly replayId: string;
  granted: boolean;
}

/** One call of a delivery that is a replay's own: of history, or to another handler. */
export interface LoanedCall {
  readonly event: StoredEvent;
  /** Which call of this delivery it is, from 1; all of them are of one round. */
  readonly attempt: number;
  /** How often it was put off before. */
  readonly deferred: Deferrals;
  readonly replay: ReplayOfCall;
}

/** A replay's own deliveries (of history, or to another handler) borrow the lane's slot: live ones queue behind, and nothing of the lane's record changes. */
export interface LaneLoan {
  readonly lane: Lane;
  readonly replayId: string;
  readonly sinceMs: number;
  /** What waits for its turn and its slot, or runs. */
  call: LoanedCall | null;
  /** Of a split event that is tried again: the first part that is not done. */
  part: { readonly revision: number; readonly index: number } | null;
}

/** A dead letter that an operator has delivered again. */
export interface LetterReplay {
  readonly revision: number;
  readonly replayId: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly effects: ReplayMode["effects"];
  /** Once the letter is settled the lane's live deliveries stay on the replay's pace up to this revision; null: they do not. */
  readonly through: number | null;
  /** It was withdrawn while its call ran, so it is not tried again. `pause`: the same replay begins it again later. `stop`: a call that fails now is the last one. */
  leaving: Withdrawal | null;
  /** The letter's event, once it was read. */
  event: StoredEvent | null;
  /** Monotonic time of the next attempt; null: now. */
  dueMs: number | null;
  /** Failed calls of this replay. */
  failed: number;
  deferred: Deferrals;
}

/** One event for the handler, under way. */
export interface Delivery {
  readonly lane: Lane;
  readonly event: StoredEvent;
  /** Which call it is, over all rounds, from 1; of a split event, which call of the part. */
  attempt: number;
  /** Failed calls before it in this round: what the retry policy counts. */
  round: number;
  /** How often it was put off before. */
  deferred: Deferrals;
  /** Of a split event: which part is called, and of how many. Null until it is lifted, and for one that is not split. */
  part: { readonly index: number; readonly of: number } | null;
  readonly replay: LetterReplay | null;
  /** It was called before, or may have been: effects may be on record. */
  readonly doubtful: boolean;
  readonly loan: LaneLoan | null;
  readonly wasFailing: boolean;
  /** Monotonic; when it was given its slot. */
  readonly startedMs: number;
  /** Outcomes that the handler had counted when this delivery was given its slot. */
  readonly outcomesBefore: number;
  /** Its outcome is known. */
  concluded: boolean;
  hasSlot: boolean;
  /** Its place among those that run. */
  place: number;
}

/** A dead letter as the lane keeps it. */
export interface Letter {
  readonly at: Position;
  readonly eventId: string;
  attempts: number;
  readonly escalated: boolean;
  /** Its replay was under way when the process died: the next one runs alone. */
  suspect?: Ends | null;
  /** The replay that was under way when the process ended: one with the same id goes on from there. */
  replay: { readonly replayId: string; readonly failed: number; readonly deferred: Deferrals; readonly dueMs: number | null } | null;
  /** The data that its deliveries carry, when it is not the stored one. */
  amended: AmendmentPointer | null;
}

/** Events of one reading of a detached lane, and outcomes of it that may wait for their record: as many are suspects after a crash. */
export const laneBatch = 64;
/** All that the checkpoint has passed is done, and the subscription will say what comes next. */
export const unknownNext = -1;

// Most lanes have none of these, and a log may have a million of them.
const none: readonly never[] = [];
const noLetters: ReadonlyMap<number, Letter> = new Map();

/** The deliveries of one entity for one handler, in order, one at a time. */
export class Lane implements Schedulable {
  readonly stream: string;
  readonly tenant: string;
  /** First revision that is not done, dead letters apart; `unknownNext` while the lane is there only for a loan, or for an operator's act. */
  next: number;
  /** Position of the last event that is done. */
  at: Position;
  /** Fed by its own stream; otherwise by the subscription. Never both. */
  detached = false;
  /** Why the event at `next` cannot be delivered by this build; null: it can. */
  blockedBy: LaneBlock | null = null;
  /** By an operator: nothing of it starts. */
  paused = false;
  /** Acts that look at its stream meanwhile: it is not forgotten. */
  pins = 0;
  /** Acts whose records are under way: nothing of it starts before they are stored, or refused. */
  acts = 0;
  #letters: Map<number, Letter> | null = null;
  /** Failed calls of the event at `next`. */
  attempts = 0;
  deferred: Deferrals = noDeferrals;
  /** The event at `next` has a failed or a deferred call on record: its completion is told in full. */
  troubled = false;
  /** Monotonic time before which the event at `next` is not due; null: it is. */
  dueMs: number | null = null;

  /** Wanted events in order, the first at or above `next`. */
  readonly queue = new EventQueue();
  /** Highest revision that the subscription brought while the lane was detached. */
  seen = -1;
  /** Last revision of the stream that the queue's reading covered. */
  readThrough = -1;
  reading = false;
  running: Delivery | null = null;
  /** In revision order. */
  replays: readonly LetterReplay[] = none;
  /** The first one has the lane. */
  loans: readonly LaneLoan[] = none;
  /** Its live deliveries up to `through` stay on the pace of the replay that released them. */
  pace: { readonly replayId: string; readonly through: number } | null = null;
  turn: Turn | null = null;
  failing = false;
  queued = false;
  /** Events up to here may have been under way when the process died: their calls are recorded first. */
  suspectThrough = -1;
  /** Events up to here may have been called before this process had them, after a clean stop too: a call that was abandoned leaves no record. */
  doubtThrough = -1;
  /** Number of the flush that records the lane's last outcome, and how many outcomes wait for it. */
  recordedIn = 0;
  unflushed = 0;
  /** The flush that records where the lane's `next` moved to last. */
  movedIn = 0;

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

  /** Fed by the subscription, and nothing of it runs, waits or is on record: it comes to be again with its next event. */
  isIdle(): boolean {
    return (
      !this.detached &&
      !this.paused &&
      !this.reading &&
      this.pins === 0 &&
      this.acts === 0 &&
      this.running === null &&
      this.queue.length === 0 &&
      this.letters.size === 0 &&
      this.replays.length === 0 &&
      this.loans.length === 0 &&
      this.pace === null &&
      this.turn === null
    );
  }

  priority(): Priority {
    return (this.loans[0]?.call?.event ?? this.replays[0]?.event ?? this.queue.first())?.metadata.priority ?? "normal";
  }
}
