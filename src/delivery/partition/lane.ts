import type { Position, Priority, StoredEvent } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import type { Deferrals, Ends } from "../../records/attempt.ts";
import type { LaneBlock } from "../../records/lane-state.ts";
import type { AmendmentPointer } from "../../records/snapshot.ts";
import { noDeferrals } from "../policy/waits.ts";
import { EventQueue } from "./event-queue.ts";
import type { Schedulable } from "./ready-lanes.ts";

/** What a replay tells its deliveries. */
export interface ReplayMode {
  readonly mode: "run" | "dry_run";
  /** What `context.effect` does about effects that are on record: answer with the record, or run again. */
  readonly effects: "once" | "again";
}

/** Why a replay takes back what it ordered. */
export type Withdrawal = "pause" | "stop";

/** A lane's place in a replay's pace. */
export interface Turn {
  readonly replayId: string;
  granted: boolean;
}

/** One call that a loan asks for. */
export interface LoanCall {
  readonly event: StoredEvent;
  /** Which call of this delivery it is, from 1; all of them are of one round. */
  readonly attempt: number;
  readonly deferred: Deferrals;
}

/** A replay's own deliveries (of history, or to another handler) borrow the lane's slot: live ones queue behind, and nothing of the lane's record changes. */
export interface Loan {
  readonly lane: Lane;
  readonly replayId: string;
  readonly sinceMs: number;
  /** What waits for its turn and its slot, or runs. */
  call: LoanCall | null;
  /** Of a split event that is tried again: the first part that is not done. */
  part: { readonly revision: number; readonly index: number } | null;
}

/** An operator's order to deliver a dead letter again. */
export interface Order {
  readonly revision: number;
  readonly replayId: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly effects: ReplayMode["effects"];
  /** Once the letter is settled the lane's live deliveries stay on the replay's pace up to this revision; null: they do not. */
  readonly through: number | null;
  /** Withdrawn while its call runs: it is not tried again. `pause`: the same replay orders it later; `stop`: what fails now has failed. */
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
  readonly order: Order | null;
  /** It was called before, or may have been: effects may be on record. */
  readonly doubtful: boolean;
  readonly loan: Loan | null;
  readonly wasFailing: boolean;
  /** Monotonic; when it was given its slot. */
  readonly startedMs: number;
  /** Outcomes of the handler when it was given its slot. */
  readonly startedAt: number;
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
  why: LaneBlock | null = null;
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
  orders: readonly Order[] = none;
  /** The first one has the lane. */
  loans: readonly Loan[] = none;
  /** Its live deliveries up to `through` stay on the pace of the replay that released them. */
  pace: { readonly replayId: string; readonly through: number } | null = null;
  turn: Turn | null = null;
  failing = false;
  queued = false;
  /** Events up to here may have been under way when the process died: their calls are recorded first. */
  suspectThrough = -1;
  /** Events up to here may have been called before this process had them, after a clean stop too: a call that was abandoned leaves no record. */
  doubtThrough = -1;
  /** The flush that records the lane's last outcome, and how many outcomes wait for it. */
  flush = 0;
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

  addOrder(order: Order): void {
    this.orders = [...this.orders, order].sort((a, b) => a.revision - b.revision);
  }

  removeOrder(order: Order): void {
    this.orders = this.orders.filter((each) => each !== order);
  }

  addLoan(loan: Loan): void {
    this.loans = [...this.loans, loan];
  }

  removeLoan(loan: Loan): void {
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
      this.orders.length === 0 &&
      this.loans.length === 0 &&
      this.pace === null &&
      this.turn === null
    );
  }

  priority(): Priority {
    return (this.loans[0]?.call?.event ?? this.orders[0]?.event ?? this.queue.first())?.metadata.priority ?? "normal";
  }
}
