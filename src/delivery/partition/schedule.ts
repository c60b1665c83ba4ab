/** Who has a slot, what runs, and what keeps everything from starting. */
import type { Agenda } from "./agenda.ts";
import type { Delivery } from "./delivery.ts";
import type { Lane } from "./lane.ts";
import type { LaneLoan, LoanedCall } from "./lane-loan.ts";
import type { Leave } from "./leave.ts";
import { attemptOf } from "./letter.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { Readiness, Work } from "./readiness.ts";
import type { Recorder } from "./recorder.ts";
import type { SlotShare } from "./slots.ts";
import type { Starts } from "./starts.ts";
import type { Suspects } from "./suspects.ts";
import type { Unrecorded } from "./unrecorded.ts";

/** Why nothing of the handler starts. Several reasons may hold at once. */
export type Hold =
  | "not_started"
  | "paused"
  | "pause_being_recorded"
  | "suspect_elsewhere"
  | "no_sign_of_life"
  | "journal_not_writable"
  | "draining"
  | "stopping"
  | "fault";

export interface ScheduleNeeds {
  readonly agenda: Agenda;
  readonly leave: Leave;
  readonly paced: PacedLanes;
  readonly readiness: Readiness;
  readonly recorder: Recorder;
  readonly slots: SlotShare;
  readonly starts: Starts;
  readonly suspects: Suspects;
  readonly unrecorded: Unrecorded;
}

export class Schedule {
  /** In no order. A set would have to hash each delivery, which costs more than finding its lane. */
  readonly #running: Delivery[] = [];
  readonly #holds = new Set<Hold>();
  readonly #slots: SlotShare;
  readonly #leave: Leave;
  readonly #agenda: Agenda;
  readonly #paced: PacedLanes;
  readonly #readiness: Readiness;
  readonly #recorder: Recorder;
  readonly #starts: Starts;
  readonly #suspects: Suspects;
  readonly #unrecorded: Unrecorded;

  constructor({ agenda, leave, paced, readiness, recorder, slots, starts, suspects, unrecorded }: ScheduleNeeds) {
    this.#slots = slots;
    this.#leave = leave;
    this.#agenda = agenda;
    this.#paced = paced;
    this.#readiness = readiness;
    this.#recorder = recorder;
    this.#starts = starts;
    this.#suspects = suspects;
    this.#unrecorded = unrecorded;
  }

  /** Gives slots to ready lanes. @returns at most `limit` deliveries to call now; others, whose intent has to be recorded first, come with `flushes.stored`. */
  start(monotonicMs: number, limit = Number.MAX_SAFE_INTEGER): readonly Delivery[] {
    const now: Delivery[] = [];
    this.#leave.looking();
    if (this.#isAble() && this.#leave.mayBegin(monotonicMs) && this.grantsTurns())
      for (const lane of this.#paced.grant(monotonicMs, this.freeSlots())) this.#agenda.refresh(lane);
    while (now.length < limit && this.#isAble()) {
      if (!this.#leave.mayBegin(monotonicMs)) {
        if (this.#agenda.readyLanes > 0) this.#leave.want();
        this.#slots.idle(false);
        break;
      }
      const lane = this.#next();
      if (lane === undefined) {
        this.#slots.idle(this.#agenda.readyLanes > 0);
        break;
      }
      const work = this.#readiness.workOf(lane);
      this.#paced.giveUp(lane, work?.replayId ?? null); // the lane may have changed while it was ready
      if (lane.running !== null || work === undefined || (work.loan === null && !this.#unrecorded.mayGoOn(lane))) continue;
      const alone = this.#suspects.of(lane) !== undefined;
      if (!alone && this.#readiness.needsTurn(lane, work)) {
        this.#paced.wait(lane, work.replayId!);
        continue;
      }
      const delivery = this.#begin(lane, work, monotonicMs);
      if (alone) this.#suspects.started(delivery);
      if (work.loan !== null) {
        work.loan.toRecord = this.#toRecord(work.loan.call!, alone);
        now.push(delivery);
      } else if (this.#starts.mayCall(delivery, alone)) now.push(delivery);
    }
    if (this.#isHeld()) this.#slots.idle(false);
    this.#leave.looked();
    return now;
  }

  /** The call has ended: the lane may go on. */
  settled(delivery: Delivery): void {
    this.giveBackSlot(delivery);
    const last = this.#running.pop()!;
    if (last !== delivery) this.#running[(last.place = delivery.place)] = last;
    delivery.lane.running = null;
    this.#agenda.refresh(delivery.lane);
  }

  /** A call that outlives its time-out keeps its lane, but not its slot. */
  giveBackSlot(delivery: Delivery): void {
    if (!delivery.hasSlot) return;
    delivery.hasSlot = false;
    this.#leave.end(delivery.permit);
    this.#slots.give();
    this.#agenda.ended(delivery.lane, delivery.wasFailing);
    this.#suspects.gaveBack(delivery);
  }

  running(): readonly Delivery[] {
    return this.#running;
  }

  /** Keeps everything from starting, for one reason of several. */
  hold(why: Hold, held: boolean): void {
    if (held) this.#holds.add(why);
    else this.#holds.delete(why);
  }

  freeSlots(): number {
    return this.#slots.slots.free;
  }

  /** Whether replays get turns now: a turn that nobody can use would be lost to the rate. */
  grantsTurns(): boolean {
    return this.#holds.size === 0 && !this.#leave.wasRefused && !this.#recorder.isFull() && !this.#suspects.any();
  }

  #isHeld(): boolean {
    return this.#holds.size > 0 || this.#recorder.isFull();
  }

  #isAble(): boolean {
    return !this.#isHeld() && this.#slots.mayTake();
  }

  /** While there are suspects, the next one that can run, once nothing else does; otherwise the ready lane whose turn it is. */
  #next(): Lane | undefined {
    if (!this.#suspects.any()) return this.#agenda.nextReady();
    if (this.#slots.taken > 0 || !this.#suspects.isNextDue(this.#unrecorded.stored)) return undefined;
    for (const [lane, suspect] of this.#suspects.all()) {
      const can = this.#readiness.ofSuspect(lane, suspect);
      if (can === "ready" || (can === "live" && this.#unrecorded.mayGoOn(lane))) return lane;
      if (can !== "over") continue;
      this.#suspects.remove(lane);
      this.#agenda.refresh(lane);
    }
    // When that was the last one, the others may go on.
    return this.#suspects.any() ? undefined : this.#agenda.nextReady();
  }

  /** Whether the replay's stream has to say of a loan's call that it is about to be made. */
  #toRecord({ record, recordFirst }: LoanedCall, alone: boolean): LaneLoan["toRecord"] {
    if (record === null) return null;
    if (alone) return "alone";
    return recordFirst || this.#starts.recordsAll ? "beside" : null;
  }

  #begin(lane: Lane, { event, replay, loan, replayId }: Work, monotonicMs: number): Delivery {
    const failed = (loan ?? replay)?.failed ?? lane.attempts;
    const delivery: Delivery = {
      lane,
      event,
      attempt: replay ? attemptOf(lane, replay) : failed + 1,
      round: failed,
      deferred: (loan ?? replay)?.deferred ?? lane.deferred,
      part: null,
      replay,
      loan,
      doubtful: loan !== null || replay !== null || lane.attempts > 0 || lane.troubled || event.revision <= lane.doubtThrough,
      wasFailing: lane.failing,
      startedMs: monotonicMs,
      outcomesBefore: this.#recorder.total,
      concluded: false,
      hasSlot: true,
      permit: this.#leave.begin(monotonicMs),
      place: this.#running.length,
    };
    if (lane.turn?.replayId === replayId) this.#paced.used(lane);
    if (replay === null && loan === null) lane.queue.shift();
    lane.running = delivery;
    this.#running.push(delivery);
    this.#slots.take();
    this.#agenda.started(lane);
    return delivery;
  }
}
